"""How often something may be tried for an account and from an address, over all workers (security.md §6)."""

from datetime import timedelta

from flask_babel import gettext as _
from sqlalchemy import Connection

from webapp.core import identity
from webapp.core.errors import TooManyRequests

QUARTER, HOUR = timedelta(minutes=15), timedelta(hours=1)
FROM_AN_ADDRESS = 100


def count_try(what: str, account: str, ip: str, *, limit: int, address_limit: int | None = None) -> None:
    """Count a try for an account and from an address in this quarter of an hour; raises TooManyRequests.

    Call it before the request's own transaction begins: it writes on a connection of its own.
    """
    tries = (
        identity.hit_bucket(f"{what}:account:{account}", limit=limit, window=QUARTER),
        identity.hit_bucket(f"{what}:address:{ip}", limit=address_limit or FROM_AN_ADDRESS, window=QUARTER),
    )
    late = [hit.retry_after for hit in tries if not hit.allowed]
    if late:
        raise TooManyRequests(max(late), _("Too many tries. Wait a quarter of an hour."))


def forget_tries(what: str, account: str, ip: str = "") -> None:
    """Forget the tries for an account that has shown what it should, and the last one from its address."""
    identity.empty_bucket(f"{what}:account:{account}")
    if ip:
        identity.return_hit(f"{what}:address:{ip}", window=QUARTER)


def allow(what: str, key: str, *, limit: int, connection: Connection | None = None) -> None:
    """Count one more of something in this hour, in the request's own transaction when its connection is given.

    Raises TooManyRequests for one too many.
    """
    hit = identity.hit_bucket(f"{what}:{key}", limit=limit, window=HOUR, connection=connection)
    if not hit.allowed:
        raise TooManyRequests(hit.retry_after)
