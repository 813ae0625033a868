"""The headers of every answer, and the refusal of writes that another site asks for (security.md §5, D7)."""

from urllib.parse import urlsplit

from flask import Flask, Response, current_app, request

from webapp.core.errors import Forbidden

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "font-src 'self'",
        "manifest-src 'self'",
        "worker-src 'self'",
        "media-src 'self' blob:",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
ALWAYS = (
    ("Content-Security-Policy", POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "strict-origin-when-cross-origin"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
)
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
FOREVER = "public, max-age=31536000, immutable"


def refuse_cross_site() -> None:
    """Raise Forbidden for an unsafe request to a page that another site has caused.

    Tokens are never sent by a browser on its own, so the API needs no such check.
    """
    if request.method in SAFE_METHODS or request.path.startswith("/api/"):
        return
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        allowed = site in {"same-origin", "none"}
    else:
        allowed = _origin(request.headers.get("Origin") or request.referrer or "") in _own_origins()
    if not allowed:
        raise Forbidden("this was sent from another site")


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _own_origins() -> set[tuple[str, str]]:
    """Return where our pages are served: the address people use, and the trusted host this request came to."""
    return {_origin(current_app.config.get("BASE_URL", "")), _origin(request.host_url)} - {("", "")}


def add_headers(response: Response) -> Response:
    """Set what each answer carries; a view that has set a header itself is left alone."""
    headers = response.headers
    given = {name.lower() for name, _value in headers}
    headers.extend([(name, value) for name, value in ALWAYS if name.lower() not in given])
    if request.is_secure:
        headers.setdefault("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
    if request.endpoint == "static":
        named_by_content = "v" in request.args or request.path.startswith("/static/vendor/")
        headers["Cache-Control"] = FOREVER if named_by_content and response.status_code < 400 else "no-cache"
        return response
    if "cache-control" not in given:
        headers.add("Cache-Control", "no-store")
    if response.mimetype == "text/html":
        response.vary.add("HX-Request")
    return response


def init_app(app: Flask) -> None:
    """Put the check before every request and the headers on every answer."""
    app.before_request(refuse_cross_site)
    app.after_request(add_headers)
