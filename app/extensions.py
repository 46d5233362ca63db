"""Flask extensions that live as long as the process; what belongs to one application is made in `create_app`."""
