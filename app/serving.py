"""How the application is served: built where it runs, checked before, and ended together with whoever started it."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from multiprocessing.util import Finalize
from typing import TYPE_CHECKING

import click
import structlog

from app import create_app
from app.demo import create_demo_users
from app.logs import configure_logs
from app.models.job_registry import run_due
from app.models.processors import give_each_child_a_processor
from app.models.startup import StoreNotUsable, share_server
from app.models.store import Store
from app.models.turns import take_turns
from config import Config, ConfigError

if TYPE_CHECKING:
    from flask import Flask

_CONFIG_EXIT_CODE = 2
_STOP_TIMEOUT_S = 15  # longer than any request may take
_PARENT_POLL_S = 0.5
_JOBS_PAUSE_S = 1.0
_JOB_END_S_MAX = 3.0
_COLLECT_AFTER = 50_000  # objects; Python's own 700 are right for short scripts


def load_app() -> Flask:
    """Build the application of this process from the environment. A fault ends the process with one clear message.

    `flask run` and WSGI servers of other kinds get a checked database; below our own server and `flask` commands,
    which check it themselves, the application builds without.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        _follow(parent.pid or 0)
    with _faults_told():
        serves = parent is not None or not _is_flask_command()
        app = create_app(Config.from_env(), opens_store=serves)
        if parent is None and serves:
            app.extensions["store"].make_ready()
        if serves:
            end_jobs = start_jobs(app.extensions["store"])
        if parent is not None:  # what is being posted ends with an answer, not in a transaction that nobody ends
            Finalize(None, app.extensions["store"].close, exitpriority=1)
            Finalize(None, end_jobs, exitpriority=2)  # before, as jobs need the store
        spare_the_collector()
        return app


def start_jobs(store: Store) -> Callable[[], None]:
    """Let this process do the bank's jobs beside its requests, sharing them with every other that serves.

    Returns what ends that, once the job under way has ended or has taken too long.
    """
    ending = threading.Event()
    thread = threading.Thread(target=_do_jobs, args=(store, ending), name="jobs", daemon=True)
    thread.start()

    def end() -> None:
        ending.set()
        thread.join(_JOB_END_S_MAX)

    return end


def _do_jobs(store: Store, ending: threading.Event) -> None:
    log = structlog.get_logger("bank.jobs")
    reason = None
    while not ending.is_set():
        try:
            for ended in run_due(store):
                log.debug("job_ended", job=ended.job.name, succeeded=ended.succeeded, message=ended.message)
                if ending.is_set():
                    return
            reason = None
        except Exception as error:  # the database is away: it will be back
            if reason != (reason := type(error).__name__):  # once, and not once a second
                log.warning("jobs_waiting", reason=reason)
        ending.wait(_JOBS_PAUSE_S)


def spare_the_collector() -> None:
    """Let Python look for garbage in cycles less often, and never among what was there at the start.

    What a posting makes is freed by counting references; walking it again and again took a fifth of the journal's time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER, *gc.get_threshold()[1:])


def serve(target: str = "run:app") -> None:
    """Serve until a signal says stop; then finish what was accepted and let the embedded database end.

    `target` names what is served, so that nothing is built here before the fork.
    """
    with _faults_told():
        config = Config.from_env()
        configure_logs(config.log_level)
        _require_free_port(config)
        server = share_server(config)  # kept until this process ends: the server's processes come and go
        demo_users = _prepare(config)
    _print_banner(config, demo_users)
    _run_server(config, target)
    if server is not None:
        server.close()


def _prepare(config: Config) -> dict[str, str]:
    """Make the database ready and close it again, as no connection may live across the forks that follow."""
    with closing(Store.open(config)) as store:
        store.make_ready()
        return create_demo_users(store) if config.demo_data else {}


def _run_server(config: Config, target: str) -> None:
    from granian.constants import Interfaces
    from granian.log import LogLevels
    from granian.server import Server

    os.register_at_fork(after_in_child=_default_signals)  # a stop while a worker starts is for the worker, too
    give_each_child_a_processor()
    if config.workers > 1:
        take_turns()
    hang_up = signal.getsignal(signal.SIGHUP)
    server = Server(
        target,
        address=config.host,
        port=config.port,
        interface=Interfaces.WSGI,
        workers=config.workers,
        blocking_threads=config.threads,
        respawn_failed_workers=True,
        workers_kill_timeout=_STOP_TIMEOUT_S,
        log_level=LogLevels.error,
    )
    server.on_startup(lambda: _end_with_terminal(hang_up))
    server.serve()


def _print_banner(config: Config, demo_users: dict[str, str]) -> None:
    host = f"[{config.host}]" if ":" in config.host else config.host
    click.echo(f"API            http://{host}:{config.port}")
    click.echo(f"Documentation  http://{host}:{config.port}/docs")
    if demo_users:
        click.echo("Demo users, shown this once:")
        for username, password in demo_users.items():
            click.echo(f"  {username:<8} {password}")
    sys.stdout.flush()


@contextmanager
def _faults_told() -> Iterator[None]:
    """End the process with the message of a fault that a person can mend, without a traceback."""
    try:
        yield
    except ConfigError as error:
        click.echo(str(error), err=True)
        sys.exit(_CONFIG_EXIT_CODE)
    except (StoreNotUsable, _PortTaken) as error:
        click.echo(str(error), err=True)
        sys.exit(1)
    except (PermissionError, NotADirectoryError, FileExistsError) as error:
        click.echo(f"DATA_DIR can't be used: {error.strerror}: {error.filename}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)


class _PortTaken(Exception):
    """Another program listens on the address that we should."""


def _require_free_port(config: Config) -> None:
    """Find out by asking: the server's processes share their port, and would share it with a stranger's as well."""
    family, kind, protocol, _, address = socket.getaddrinfo(config.host, config.port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            where = f"{config.host}:{config.port}"
            raise _PortTaken(f"Can't listen on {where} ({error.strerror}): choose another HOST or PORT.") from error


def _is_flask_command() -> bool:
    context = click.get_current_context(silent=True)
    return context is not None and context.info_name != "run"


def _end_with_terminal(hang_up: object) -> None:
    """Stop when the terminal goes, which this server takes for a wish to reload; unless started to outlive it."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN if hang_up is signal.SIG_IGN else signal.getsignal(signal.SIGTERM))


def _default_signals() -> None:
    """Forget the parent's handlers, which do nothing in a child; the server sets its own when it is ready."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)


def _follow(parent: int) -> None:
    """End this server process with the one that started it, even if that is killed; finish requests first.

    Ctrl-C in a terminal is for the parent alone, which then stops its workers in order.
    """
    os.setpgid(0, 0)
    threading.Thread(target=_watch, args=(parent,), name="parent-watch", daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_PARENT_POLL_S)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_STOP_TIMEOUT_S)
    os.kill(os.getpid(), signal.SIGKILL)
