"""Fixtures: a migrated database, the application on it, and organizations with their people and keys.

TEST_DATABASE=sqlite (default) or postgresql. Every test makes its own organization and commits for real.
"""

import gc
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from flask import Flask

import config
from tests.clients import ApiClient, PageClient
from tests.households import Household, anonymous_client, found_organization, unique
from tests.live import LiveServer
from tests.postgres_cluster import Cluster, DatabaseUrls, create_database, drop_database
from webapp.accounts import passwords
from webapp.core.context import Context
from webapp.core.database import db
from webapp.schema.migrate import upgrade

ADMIN_URL = "TEST_POSTGRES_ADMIN_URL"
SQLITE_TEMPLATE = "TEST_SQLITE_TEMPLATE"
ON_BOTH_DATABASES = (
    "tests/core/",
    "test_rules.py",
    "test_sync.py",
    "test_every_resource.py",
    "test_migrations.py",
)
DATABASES = {"database", "new_database"}
NewDatabase = Callable[..., DatabaseUrls]


def on_postgresql() -> bool:
    """Tell whether this run is on PostgreSQL."""
    return os.environ.get("TEST_DATABASE", "sqlite") == "postgresql"


def pytest_configure(config: pytest.Config) -> None:
    """Hash passwords cheaply; migrate a template once a run, which the processes of xdist find by the environment."""
    passwords._hasher = PasswordHasher(memory_cost=64, time_cost=1, parallelism=1)
    if on_postgresql() and ADMIN_URL not in os.environ:
        cluster = Cluster()
        os.environ[ADMIN_URL] = cluster.admin_url
        config.add_cleanup(cluster.stop)
        config.add_cleanup(lambda: os.environ.pop(ADMIN_URL, None))
    elif not on_postgresql() and SQLITE_TEMPLATE not in os.environ:
        folder = tempfile.mkdtemp(prefix="quartermaster-sqlite-")
        os.environ[SQLITE_TEMPLATE] = f"{folder}/template.sqlite3"
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
        config.add_cleanup(lambda: os.environ.pop(SQLITE_TEMPLATE, None))
        upgrade(f"sqlite:///{folder}/template.sqlite3")


@pytest.hookimpl(tryfirst=True)  # before -m chooses
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark by place: what runs on both databases, and what drives a browser.

    A test in such a place that asks for no database says the same on both, and is run once.
    """
    for item in items:
        place = item.path.as_posix()
        if any(part in place for part in ON_BOTH_DATABASES) and DATABASES & set(getattr(item, "fixturenames", ())):
            item.add_marker("both_databases")
        if "/tests/browser/" in place:
            item.add_marker("browser")
    if not on_postgresql():
        elsewhere = [item for item in items if item.get_closest_marker("postgresql")]
        items[:] = [item for item in items if not item.get_closest_marker("postgresql")]
        config.hook.pytest_deselected(items=elsewhere)


def pytest_collection_finish() -> None:
    """Let the collector pass over what stays to the end: the tests, and the modules they brought."""
    freeze()


def freeze() -> None:
    """Take what is there now out of the collector's rounds, of which each would walk through all of it."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def new_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NewDatabase]:
    """Return a function that makes another database: `new_database(migrated=False)` for an empty one."""
    made: list[str] = []

    def make(*, migrated: bool = True) -> DatabaseUrls:
        if on_postgresql():
            made.append(unique("test").replace("-", "_"))
            return create_database(os.environ[ADMIN_URL], made[-1], migrated=migrated)
        place = tmp_path_factory.mktemp("database") / "quartermaster.sqlite3"
        if migrated:
            shutil.copy(os.environ[SQLITE_TEMPLATE], place)
        return DatabaseUrls(f"sqlite:///{place}")

    yield make
    for name in made:
        drop_database(os.environ[ADMIN_URL], name)


@pytest.fixture(scope="session")
def database(new_database: NewDatabase) -> DatabaseUrls:
    """Return the database of this process."""
    return new_database()


@pytest.fixture(scope="session")
def new_app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Flask]]:
    """Return a function that makes an application on a database, with settings as in the environment."""
    made: list[Flask] = []

    def make(database: DatabaseUrls, instance_dir: Path | None = None, **environ: str) -> Flask:
        from webapp import create_app

        settings = {
            "INSTANCE_DIR": str(instance_dir or tmp_path_factory.mktemp("instance")),
            "DATABASE_URL": database.url,
            "DATABASE_OWNER_URL": database.owner_url,
            "BASE_URL": "http://localhost",
            "RATE_LIMITS": "off",
        }
        made.append(create_app(config.load(settings | environ) | {"TESTING": True}))
        return made[-1]

    yield make
    for app in made:
        with app.app_context():
            db.engine.dispose()


@pytest.fixture(scope="session")
def app(database: DatabaseUrls, new_app: Callable[..., Flask]) -> Flask:
    """Return the application on this process's database, as the run-time role on PostgreSQL."""
    made = new_app(database)
    freeze()
    return made


@pytest.fixture
def organization(app: Flask) -> Household:
    """Return a fresh organization with its owner."""
    return found_organization(app)


@pytest.fixture
def other_organization(app: Flask) -> Household:
    """Return a second one, which the first must never see."""
    return found_organization(app, name=unique("Other"))


@pytest.fixture
def context(organization: Household) -> Iterator[Context]:
    """Return a unit of work of the owner; commit before another client is to see it."""
    with organization.context() as context:
        yield context


@pytest.fixture
def anonymous(app: Flask) -> PageClient:
    """Return a browser nobody has signed in with."""
    return anonymous_client(app)


@pytest.fixture
def client(organization: Household) -> PageClient:
    """Return a browser signed in as the owner."""
    return organization.page_client()


@pytest.fixture
def api(organization: Household) -> ApiClient:
    """Return an integration with a key for everything."""
    return organization.api_client()


@pytest.fixture
def as_role(organization: Household) -> Callable[..., PageClient]:
    """Return a function that signs in as a new member: `as_role("auditor")`."""
    return organization.member_client


@pytest.fixture(scope="session")
def new_live_server(
    new_database: NewDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., LiveServer]]:
    """Return a function that starts web and worker as real processes on a database of their own."""
    started: list[LiveServer] = []

    def start(**environ: str) -> LiveServer:
        started.append(LiveServer(tmp_path_factory.mktemp("live"), new_database(), **environ))
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture(scope="session")
def live_server(new_live_server: Callable[..., LiveServer]) -> LiveServer:
    """Return the server that tests share; each makes its own organization there."""
    return new_live_server()
