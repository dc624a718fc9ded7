"""Which format an answer has: $format first, then Accept (4.1.4, 4.1.6.5)."""

from enum import StrEnum

from werkzeug.datastructures import MIMEAccept

from sirocco.contracts.errors import NOT_ACCEPTABLE, SiroccoError


class Format(StrEnum):
    """The two formats; the value is the media type."""

    JSON = "application/json"
    XML = "application/xml"


_NAMED = {"json": Format.JSON, "xml": Format.XML}
_OFFERED = (Format.JSON, Format.XML)


def negotiate(wanted: str | None, accept: MIMEAccept) -> Format:
    """The format to answer in; JSON where the client does not care. ``text/xml`` counts as XML."""
    if wanted is not None:
        found = _NAMED.get(wanted.strip().lower())
        if found is None:
            raise SiroccoError(NOT_ACCEPTABLE, wanted=wanted[:100])
        return found
    if not accept:
        return Format.JSON
    best = accept.best_match([*_OFFERED, "text/xml"])
    if best is None:
        raise SiroccoError(NOT_ACCEPTABLE, wanted=accept.to_header()[:100])
    return Format.JSON if best == Format.JSON else Format.XML
