"""How often a credential may ask the API: exact over all processes with Redis, otherwise each process's share.

The face calls `count(...)` once it knows who asks; every answer of a limited face carries `X-RateLimit-*`. When Redis
is away each process falls back to its share. The counting is that of `limits`, the engine of Flask-Limiter, whose own
hooks run before anybody is known.
"""

import time
from dataclasses import dataclass

from flask import Flask, Response, current_app, g, request
from limits import RateLimitItem, parse
from limits.errors import StorageError
from limits.storage import MemoryStorage, storage_from_string
from limits.strategies import FixedWindowRateLimiter, RateLimiter

from webapp.core.errors import TooManyRequests

LIMITED = ("/api/",)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a credential stands: how much it may ask in a window, what is left, when the next one begins (epoch)."""

    limit: int
    remaining: int
    reset: int


class RateLimits:
    """The limits of one application."""

    def __init__(self, app: Flask) -> None:
        self.enabled: bool = app.config["RATE_LIMITS"]
        self.whole: RateLimitItem = parse(app.config["API_RATE_LIMIT"])
        self.share = type(self.whole)(max(1, self.whole.amount // app.config["WEB_WORKERS"]), self.whole.multiples)
        self.own: RateLimiter = FixedWindowRateLimiter(MemoryStorage())
        self.shared: RateLimiter | None = None
        if app.config["REDIS_URL"]:
            self.shared = FixedWindowRateLimiter(storage_from_string(app.config["REDIS_URL"], wrap_exceptions=True))

    def take(self, credential: str) -> tuple[bool, Standing]:
        """Count one request; return whether it may go on, and how the credential stands."""
        if not self.enabled:
            return True, self.untouched()
        if self.shared is not None:
            try:
                return self._take(self.shared, self.whole, credential)
            except StorageError:
                current_app.logger.warning("rate limits: Redis does not answer, each process counts for itself")
        return self._take(self.own, self.share, credential)

    def _take(self, limiter: RateLimiter, item: RateLimitItem, credential: str) -> tuple[bool, Standing]:
        allowed = limiter.hit(item, credential)
        window = limiter.get_window_stats(item, credential)
        return allowed, Standing(item.amount, max(0, window.remaining), int(window.reset_time))

    def untouched(self) -> Standing:
        """Return how somebody stands who has not asked yet."""
        item = self.whole if self.shared is not None or not self.enabled else self.share
        return Standing(item.amount, item.amount, int(time.time()) + item.get_expiry())


def init_app(app: Flask) -> None:
    """Make the application's limits and put them on every answer of a limited face."""
    app.extensions["rate_limits"] = RateLimits(app)
    app.after_request(add_headers)


def count(credential: str) -> None:
    """Count a request of `<organization>:<credential>`, or of an address; raises TooManyRequests for one too many."""
    limits: RateLimits = current_app.extensions["rate_limits"]
    allowed, g.rate_standing = limits.take(credential)
    if not allowed:
        raise TooManyRequests(max(1, g.rate_standing.reset - int(time.time())))


def add_headers(response: Response) -> Response:
    """Say on an answer of a limited face how the credential stands."""
    if request.path.startswith(LIMITED):
        standing: Standing = g.get("rate_standing") or current_app.extensions["rate_limits"].untouched()
        response.headers["X-RateLimit-Limit"] = str(standing.limit)
        response.headers["X-RateLimit-Remaining"] = str(standing.remaining)
        response.headers["X-RateLimit-Reset"] = str(standing.reset)
    return response
