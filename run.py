"""The way in: `flask run` and WSGI servers import `app` from here; `python run.py` serves it for real."""

from app.serving import load_app, serve

if __name__ == "__main__":
    serve()
elif __name__ != "__mp_main__":  # a server process that is being spawned loads this file once more under that name
    app = load_app()
