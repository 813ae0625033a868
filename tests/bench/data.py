"""Databases to measure with: five organizations of very different size, built once and kept.

python -m tests.bench.data postgresql 1000 100000     builds (what is missing of) them and says where they are
"""

import ast
import hashlib
import json
import os
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import create_engine, text

import config
from tests.bench import copies, pattern
from tests.bench.check import check_copies
from tests.bench.cluster import BenchCluster
from tests.postgres_cluster import DatabaseUrls
from webapp import create_app
from webapp.core.database import db
from webapp.schema.migrate import is_current, upgrade

# Of a million: 750,000, 140,000, 100,000, 9,000 and 1,000.
SHARES = (0.75, 0.14, 0.10, 0.009, 0.001)
NAMES = ("Ashgrove", "Birchwood", "Cedarholm", "Dunmore", "Elmfield")
Say = Callable[[str], None]


@dataclass(frozen=True)
class Organization:
    """An organization of a built database, and how to get in."""

    id: int
    slug: str
    name: str
    assets: int
    email: str
    password: str
    api_key: str
    middle_id: int
    category_id: int
    product_id: int
    location_id: int
    fields: dict[str, int]


@dataclass(frozen=True)
class Built:
    """A built database: where it is, who is in it, and what can be looked for."""

    name: str
    database: str
    assets: int
    url: str
    owner_url: str
    instance: str
    key: str
    seconds: float
    organizations: list[Organization]
    rare: str = pattern.RARE
    common: str = pattern.COMMON

    @property
    def urls(self) -> DatabaseUrls:
        """Return how the program reaches it."""
        return DatabaseUrls(self.url, self.owner_url)

    @property
    def big(self) -> Organization:
        """Return the largest organization."""
        return self.organizations[0]


def source_key() -> str:
    """Return what a built database is kept under: a digest of what the code that builds it says, not of its looks."""
    folder = Path(__file__).parent
    said = [ast.dump(ast.parse((folder / name).read_text())) for name in ("pattern.py", "copies.py")]
    return hashlib.sha256(repr((said, SHARES)).encode()).hexdigest()[:12]


def open_app(urls: DatabaseUrls, instance: Path, **environ: str) -> Flask:
    """Return the application over a database."""
    settings = {
        "INSTANCE_DIR": str(instance),
        "DATABASE_URL": urls.url,
        "DATABASE_OWNER_URL": urls.owner_url,
        "BASE_URL": "http://127.0.0.1",
        "API_RATE_LIMIT": "1000000000 per minute",
    }
    return create_app(config.load(settings | environ))


def sizes(total: int) -> list[int]:
    """Return how many of all assets each organization has."""
    return [max(1, round(total * share)) for share in SHARES]


def kept(folder: Path, name: str, say: Say) -> Built | None:
    """Return a database that was built before by the same code, brought to the newest schema."""
    path = folder / f"{name}.json"
    if not path.exists():
        return None
    found = json.loads(path.read_text())
    organizations = [Organization(**each) for each in found.pop("organizations")]
    built = Built(**found, organizations=organizations)
    if built.key != source_key():
        return None
    if not is_current(built.urls.migration_url):
        say(f"{name}: to the newest schema")
        upgrade(built.urls.migration_url)
    return built


def postgresql(cluster: BenchCluster, folder: Path, total: int, say: Say) -> Built:
    """Return a database with so many assets on PostgreSQL."""
    name = f"{prefix()}_{short(total)}"
    built = kept(folder, name, say) if cluster.has(name) else None
    if built is not None:
        return built
    urls = cluster.copy(name)
    upgrade(urls.owner_url)
    return _build(name, "postgresql", urls, cluster.admin_url(name), folder, total, say)


def sqlite(folder: Path, total: int, say: Say) -> Built:
    """Return a database with so many assets on SQLite."""
    name = f"sqlite_{short(total)}"
    path = folder / f"{name}.sqlite3"
    built = kept(folder, name, say) if path.exists() else None
    if built is not None:
        return built
    for old in folder.glob(f"{name}.sqlite3*"):
        old.unlink()
    urls = DatabaseUrls(f"sqlite:///{path}")
    upgrade(urls.url)
    return _build(name, "sqlite", urls, urls.url, folder, total, say)


def prefix() -> str:
    """Return what databases on PostgreSQL are called by, for those who share a cluster."""
    return os.environ.get("BENCH_PREFIX", "bench")


def short(total: int) -> str:
    """Return a number as names have it: 1k, 100k, 1m."""
    for size, letter in ((1_000_000, "m"), (1_000, "k")):
        if total >= size and total % size == 0:
            return f"{total // size}{letter}"
    return str(total)


def _build(name: str, database: str, urls: DatabaseUrls, filling_url: str, folder: Path, total: int, say: Say) -> Built:
    began, instance = time.monotonic(), folder / "instances" / name
    shutil.rmtree(instance, ignore_errors=True)
    (folder / f"{name}.json").unlink(missing_ok=True)  # what is half built is not kept
    instance.mkdir(parents=True)
    app = open_app(urls, instance)
    with app.app_context():
        households = [pattern.found(f"{who}", count) for who, count in zip(NAMES, sizes(total), strict=True)]
    say(f"{name}: the pattern is there after {time.monotonic() - began:.0f} s")
    engine = create_engine(filling_url)
    with engine.begin() as connection:
        if database == "postgresql":  # the keys hold by construction; checking millions of them one by one does not
            connection.execute(text("SET LOCAL session_replication_role = replica"))
        copies.multiply(connection, households)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE" if database == "postgresql" else "ANALYZE"))
    say(f"{name}: {total:,} assets after {time.monotonic() - began:.0f} s")
    with app.app_context():
        for household in households:
            check_copies(household)
        db.engine.dispose()  # nobody may be connected to a database that is copied
    organizations = [_described(engine, household) for household in households]
    engine.dispose()
    seconds = round(time.monotonic() - began, 1)
    built = Built(name, database, total, urls.url, urls.owner_url, str(instance), source_key(), seconds, organizations)
    (folder / f"{name}.json").write_text(json.dumps(asdict(built), indent=1))
    say(f"{name}: checked and written down after {seconds:.0f} s")
    return built


def _described(engine: Any, household: pattern.Household) -> Organization:
    query = text("SELECT id FROM assets WHERE organization_id = :organization ORDER BY id LIMIT 1 OFFSET :half")
    with engine.connect() as connection:
        values = {"organization": household.tenant.id, "half": household.count // 2}
        middle = int(connection.execute(query, values).scalar_one())
    tenant, ids = household.tenant, household.ids
    return Organization(
        id=tenant.id,
        slug=tenant.slug,
        name=tenant.name,
        assets=household.count,
        email=household.email,
        password=pattern.PASSWORD,
        api_key=household.key,
        middle_id=middle,
        category_id=ids["categories"][10],
        product_id=ids["products"][0],
        location_id=ids["locations"][0],
        fields=household.fields,
    )


if __name__ == "__main__":
    from tests.bench.options import bench_folder

    place = bench_folder()
    for amount in map(int, sys.argv[2:]):
        if sys.argv[1] == "sqlite":
            sqlite(place, amount, print)
        else:
            postgresql(BenchCluster(place, stays=True), place, amount, print)
