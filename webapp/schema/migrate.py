"""The state of the schema: which version the database is at, whether it holds data, and how it gets to ours.

Alembic is imported where something is migrated: it costs a web process ten megabytes that it never needs.
"""

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, create_engine, inspect, pool, text
from sqlalchemy.engine import make_url

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"


class NotMigrated(RuntimeError):
    """The schema is not the one this program was written for, and we may not change it."""


def upgrade(url: str, revision: str = "head") -> None:
    """Bring a database to a revision in one transaction; on PostgreSQL the URL is the owner's."""
    from alembic import command

    _make_folder(url)
    command.upgrade(_settings(url), revision)


def downgrade(url: str, revision: str) -> None:
    """Take a database back to a revision in one transaction; on PostgreSQL the URL is the owner's."""
    from alembic import command

    command.downgrade(_settings(url), revision)


def is_current(url: str) -> bool:
    """Tell whether a database is at the newest revision we know."""
    _make_folder(url)
    engine = create_engine(url, poolclass=pool.NullPool)
    with engine.connect() as connection:
        return current_heads(connection) == known_revisions()[0]


def current_heads(connection: Connection) -> set[str]:
    """Return the revisions that a database is at, none for one without tables."""
    if not inspect(connection).has_table("alembic_version"):
        return set()
    return set(connection.scalars(text("SELECT version_num FROM alembic_version")))


@cache
def known_revisions() -> tuple[frozenset[str], frozenset[str]]:
    """Return this version's heads and all of its revisions, as the migrations' files say."""
    stated: dict[str, list[str]] = {"revision": [], "down_revision": []}
    for path in (MIGRATIONS / "versions").glob("*.py"):
        for name, value in re.findall(r'^(revision|down_revision) = "(\w+)"$', path.read_text(), re.MULTILINE):
            stated[name].append(value)
    known = frozenset(stated["revision"])
    return known - {*stated["down_revision"]}, known


def has_data(url: str) -> bool:
    """Tell whether somebody has signed up already; False for a database without tables."""
    _make_folder(url)
    engine = create_engine(url, poolclass=pool.NullPool)
    with engine.connect() as connection:
        if not inspect(connection).has_table("users"):
            return False
        if engine.dialect.name == "postgresql":
            return not connection.scalar(text("SELECT empty FROM identity_is_empty()"))
        return bool(connection.scalar(text("SELECT EXISTS (SELECT 1 FROM users)")))


def ensure_current(url: str, owner_url: str = "") -> None:
    """Migrate when it is needed and allowed; raise NotMigrated with the way out when it is needed only."""
    if is_current(url):
        return
    if not owner_url and make_url(url).get_backend_name() == "postgresql":
        raise NotMigrated(
            "The database schema is not up to date, and the run-time role may not change it. Set DATABASE_OWNER_URL to "
            "the owner's URL and start again (`flask database prepare --admin-url …` prints both URLs)."
        )
    upgrade(owner_url or url)


def _settings(url: str) -> "Config":
    from alembic.config import Config

    settings = Config(str(MIGRATIONS / "alembic.ini"))
    settings.attributes["url"] = url
    return settings


def _make_folder(url: str) -> None:
    """Make the folder of an SQLite file; nobody else may look into it."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        Path(parsed.database).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
