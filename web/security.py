"""What every page tells the browser to refuse, and what it keeps in cookies."""

from urllib.parse import urlsplit

from flask import Blueprint, Response, g, request

from sirocco.ops.settings import Settings

COOKIE = "sirocco_session"
_KEPT_FOR = 365 * 24 * 3600


def console_origin(settings: Settings) -> str:
    """Where this browser reaches event streams and consoles: the portal's own host unless settings say otherwise.

    The session cookie goes to every port of the host that set it, so the stream has to be on the host the browser used.
    """
    if settings.console_url or settings.public_url:
        return settings.console
    return f"{request.scheme}://{urlsplit(request.host_url).hostname}:{urlsplit(settings.console).port}"


def policy(settings: Settings, nonce: str = "") -> str:
    """The Content-Security-Policy: only our own files; ``nonce`` lets the terminal make its style elements."""
    console = console_origin(settings)
    socket = console.replace("http", "ws", 1)
    styles = f"'self' 'nonce-{nonce}'" if nonce else "'self'"
    rules = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": styles,
        "img-src": "'self'",
        "font-src": "'self'",
        "connect-src": f"'self' {console} {socket}",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
        "report-uri": "/csp-reports",
    }
    return "; ".join(f"{rule} {value}" for rule, value in rules.items())


_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}


def protect(portal: Blueprint) -> None:
    """Send the headers with every answer of the portal; pages are never kept by caches."""
    portal.after_request(guarded)


def guarded(response: Response) -> Response:
    """The answer with the headers."""
    response.headers.update(_HEADERS)
    response.headers["Content-Security-Policy"] = policy(g.portal.settings, getattr(g, "nonce", ""))
    if "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store"
    return response


def keep_session(response: Response, value: str) -> Response:
    """Hand the session to the browser: out of reach of scripts and of other sites."""
    response.set_cookie(COOKIE, value, httponly=True, secure=request.is_secure, samesite="Lax", path="/")
    return response


def drop_session(response: Response) -> Response:
    """Take the session back."""
    response.delete_cookie(COOKIE, httponly=True, secure=request.is_secure, samesite="Lax", path="/")
    return response


def keep_preference(response: Response, name: str, value: str) -> Response:
    """Remember a choice that is no secret: language, theme, rows per page."""
    response.set_cookie(
        f"sirocco_{name}", value, max_age=_KEPT_FOR, httponly=True, secure=request.is_secure, samesite="Lax", path="/"
    )
    return response


def preference(name: str, known: tuple[str, ...], default: str) -> str:
    """A remembered choice, if it is still one of the known ones."""
    value = request.cookies.get(f"sirocco_{name}", "")
    return value if value in known else default
