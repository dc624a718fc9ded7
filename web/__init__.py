"""The portal: pages for people, served by the web process beside the API."""

from flask import Flask

from sirocco.cmdb.transaction import Cmdb
from sirocco.ops.settings import Settings
from web import errors, formats, language, security
from web.area import Portal
from web.assets import Assets
from web.pages import register, shared

__all__ = ["mount"]


def mount(app: Flask, cmdb: Cmdb, settings: Settings) -> None:
    """Serve the portal from ``app`` at ``/``. Raises ``AssetsNotBuiltError`` where the front end was not built."""
    assets = Assets.built()
    app.extensions["portal"] = Portal(cmdb, settings, assets)
    language.set_up(app)
    formats.set_up(app)
    portal = register()
    app.context_processor(shared)
    security.protect(portal)
    errors.answer(portal)
    errors.answer_outside(app)
    app.register_blueprint(portal)
