"""The REST API: CIMI in both namespaces, and its description as OpenAPI."""

from flask import Flask, Response

from api.openapi import document
from api.routes import routes
from api.server import Server, Translated
from sirocco.cmdb.transaction import Cmdb


def mount(app: Flask, cmdb: Cmdb, *, translate: Translated = lambda text, _language: text, site: str = "") -> None:
    """Serve the API at ``/cimi`` and its description at ``/openapi.json``.

    ``translate`` gives a catalogue's text in a language; ``site`` is the address that clients reach the server by,
    taken from each request unless given.
    """
    registry = routes()
    app.register_blueprint(Server(cmdb, registry, translate, site.rstrip("/")).blueprint())
    described = document(registry)

    @app.get("/openapi.json", endpoint="openapi")
    def openapi() -> Response:
        return Response(described, mimetype="application/json")
