"""How often a credential may ask the API: exact over all processes with Redis, otherwise each process's share.

The face calls `count(...)` once it knows who asks; every answer of a limited face carries `X-RateLimit-*`. When Redis
is away each process falls back to its share. With Redis the counting is that of `limits`, the engine of Flask-Limiter,
whose own hooks run before anybody is known.
"""

import threading
import time
from dataclasses import dataclass

from flask import Flask, Response, current_app, g, request
from limits import RateLimitItem, parse
from limits.errors import StorageError
from limits.storage import storage_from_string
from limits.strategies import FixedWindowRateLimiter, RateLimiter

from webapp.core.errors import TooManyRequests

LIMITED = ("/api/",)
REMEMBERED = 10_000  # windows, after which those that are over are thrown away


@dataclass(frozen=True, slots=True)
class Standing:
    """How a credential stands: how much it may ask in a window, what is left, when the next one begins (epoch)."""

    limit: int
    remaining: int
    reset: int

    def seconds_left(self) -> int:
        """Return after how many seconds it may ask again."""
        return max(1, self.reset - int(time.time()))

    def is_spent(self) -> bool:
        """Tell whether one more would be one too many."""
        return self.remaining == 0 and time.time() < self.reset


class OwnCount:
    """A process's own windows, each of which begins with its first request.

    The memory storage of `limits` starts a thread at every request, which costs more than the rest of the counting.
    """

    def __init__(self, item: RateLimitItem) -> None:
        self._limit, self._seconds = item.amount, item.get_expiry()
        self._windows: dict[str, tuple[float, int]] = {}
        self._lock = threading.Lock()

    def take(self, credential: str) -> tuple[bool, Standing]:
        """Count one request; return whether it may go on, and how the credential stands."""
        now = time.time()
        with self._lock:
            end, count = self._windows.get(credential, (0.0, 0))
            if end <= now:
                if len(self._windows) >= REMEMBERED:
                    self._windows = {name: found for name, found in self._windows.items() if found[0] > now}
                end, count = now + self._seconds, 0
            self._windows[credential] = (end, count + 1)
        return count < self._limit, Standing(self._limit, max(0, self._limit - count - 1), int(end))


class RateLimits:
    """The limits of one application."""

    def __init__(self, app: Flask) -> None:
        self.enabled: bool = app.config["RATE_LIMITS"]
        self.whole: RateLimitItem = parse(app.config["API_RATE_LIMIT"])
        self.share = type(self.whole)(max(1, self.whole.amount // app.config["WEB_WORKERS"]), self.whole.multiples)
        self.own = OwnCount(self.share)
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
        return self.own.take(credential)

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
    allowed, g.rate_standing = limits_of(current_app).take(credential)
    if not allowed:
        raise TooManyRequests(g.rate_standing.seconds_left())


def limits_of(app: Flask) -> RateLimits:
    """Return the limits of an application."""
    limits: RateLimits = app.extensions["rate_limits"]
    return limits


def headers_of(standing: Standing) -> dict[str, str]:
    """Return the headers that say how a credential stands."""
    return {
        "X-RateLimit-Limit": str(standing.limit),
        "X-RateLimit-Remaining": str(standing.remaining),
        "X-RateLimit-Reset": str(standing.reset),
    }


def add_headers(response: Response) -> Response:
    """Say on an answer of a limited face how the credential stands."""
    if request.path.startswith(LIMITED):
        response.headers.extend(headers_of(g.get("rate_standing") or limits_of(current_app).untouched()))
    return response
