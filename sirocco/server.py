"""The web process: API and portal on gunicorn. It writes the CMDB and never speaks to the engine."""

import gc
import sys
from contextlib import suppress
from http import HTTPStatus
from socket import socket
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.http.errors import LimitRequestHeaders, LimitRequestLine, ParseException
from gunicorn.util import write_nonblock
from gunicorn.workers.gthread import ThreadWorker
from sqlalchemy import text

import api
import web
from api.unread import no_request, unread
from sirocco.cmdb.database import Database
from sirocco.cmdb.transaction import Cmdb
from sirocco.contracts.errors import HEADERS_TOO_LARGE, URI_TOO_LONG, SiroccoError
from sirocco.ops.errors import OperationError
from sirocco.ops.keyring import KeyRing, Sealer
from sirocco.ops.listen import gunicorn_bind
from sirocco.ops.logging import configure
from sirocco.ops.settings import Settings, load
from sirocco.ops.words import said
from web.language import catalogue

_THREADS = 16
_REQUEST_LINE = 8190
"""Bytes, the most that gunicorn allows: a long $filter, percent-encoded, has to come in to be judged."""


def open_cmdb(settings: Settings) -> Cmdb:
    """The CMDB as this process sees it."""
    return Cmdb(Database(settings.database, mapped=True), Sealer(KeyRing.at(settings.keyring)))


def create_app(settings: Settings | None = None) -> Flask:
    """The WSGI application: every route of API and portal, and ``/healthz``."""
    settings = settings or load()
    cmdb = open_cmdb(settings)
    app = Flask("sirocco", static_folder=None)
    api.mount(app, cmdb, translate=lambda text, language: catalogue(language).gettext(text))
    web.mount(app, cmdb, settings)

    @app.get("/healthz")
    def healthz() -> str:
        with cmdb.database.reading() as session:
            session.execute(text("SELECT 1"))
        return "ok\n"

    return app


class _Worker(ThreadWorker):
    """Threads that answer what is no request in the product's own form, where gunicorn would send a page of HTML."""

    def handle_error(self, req: Any, client: socket, addr: Any, exc: BaseException) -> None:
        if not isinstance(exc, ParseException):
            super().handle_error(req, client, addr, exc)
            return
        self.log.warning("not a request, from %s: %s", addr, exc)
        reply = unread(_refusal(exc))
        headers = {**reply.headers, "Content-Length": str(len(reply.body)), "Connection": "close"}
        lines = (f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}", *map(": ".join, headers.items()), "", "")
        with suppress(OSError):  # who sends nonsense need not wait for the answer
            write_nonblock(client, "\r\n".join(lines).encode("latin-1") + reply.body)


def _refusal(unreadable: ParseException) -> SiroccoError:
    match unreadable:
        case LimitRequestLine():
            return SiroccoError(URI_TOO_LONG, limit=_REQUEST_LINE)
        case LimitRequestHeaders():
            return SiroccoError(HEADERS_TOO_LARGE)
    return no_request()


class _Web(BaseApplication):
    """Gunicorn with threads; the application is made in the worker, after the fork."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        wanted: dict[str, Any] = {
            "bind": gunicorn_bind(self._settings.host, self._settings.port),
            "worker_class": _Worker,
            "workers": 1,
            "threads": _THREADS,
            "timeout": 60,
            "graceful_timeout": 5,
            "keepalive": 5,
            "control_socket_disable": True,
            "limit_request_line": _REQUEST_LINE,
        }
        for key, value in wanted.items():
            self.cfg.set(key, value)

    def load(self) -> Flask:  # type: ignore[override]  # a Flask is a WSGI application; its annotation is looser
        configure(self._settings, "web")
        app = create_app(self._settings)
        gc.freeze()  # what stays for good is not looked through again: the slowest of 300 pages took 60 ms, not 150
        return app


def main() -> None:
    """Serve until told to stop."""
    try:
        settings = load()
        configure(settings, "web")
        _Web(settings).run()
    except OperationError as error:
        sys.exit(said(error))


if __name__ == "__main__":
    main()
