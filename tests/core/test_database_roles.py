import os

import psycopg
import pytest
from sqlalchemy import create_engine

from tests.conftest import ADMIN_URL
from tests.households import unique
from tests.postgres_cluster import drop_database, run_as_admin
from webapp.schema.database_roles import WrongRole, check_runtime_role, prepare
from webapp.schema.migrate import is_current, upgrade

pytestmark = pytest.mark.postgresql


@pytest.fixture
def name():
    """Return a name for a database, and clear away what was made under it."""
    name = unique("prepared").replace("-", "_")
    yield name
    drop_database(os.environ[ADMIN_URL], name)
    for role in (f"{name}_owner", f"{name}_app"):
        run_as_admin(os.environ[ADMIN_URL], f"DROP ROLE IF EXISTS {role}")


def check(url):
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    try:
        check_runtime_role(engine)
    finally:
        engine.dispose()


def test_prepare_makes_a_database_that_the_application_may_run_on(name):
    prepared = prepare(os.environ[ADMIN_URL], name)
    upgrade(prepared.migration_url)

    check(prepared.runtime_url)
    assert is_current(prepared.owner_url.replace("postgresql://", "postgresql+psycopg://"))
    assert prepared.runtime_url.startswith(f"postgresql://{name}_app:")


def test_the_tables_belong_to_the_owner(name):
    prepared = prepare(os.environ[ADMIN_URL], name)
    upgrade(prepared.migration_url)

    with psycopg.connect(prepared.owner_url) as connection:
        owners = connection.execute("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'").fetchall()
    assert owners == [(f"{name}_owner",)]


def test_a_second_time_changes_nothing_and_shows_no_password(name):
    prepare(os.environ[ADMIN_URL], name)

    again = prepare(os.environ[ADMIN_URL], name)

    assert again.made == []
    assert f"database {name}" in again.kept
    assert again.runtime_url.startswith(f"postgresql://{name}_app@")


def test_passwords_are_reset_on_request(name):
    first = prepare(os.environ[ADMIN_URL], name)

    again = prepare(os.environ[ADMIN_URL], name, reset_passwords=True)

    assert again.runtime_url != first.runtime_url
    assert f"new password of {name}_app" in again.made


def test_the_application_refuses_to_run_as_a_superuser(name):
    with pytest.raises(WrongRole, match="superuser"):
        check(os.environ[ADMIN_URL])


def test_the_application_refuses_to_run_as_the_owner(name):
    prepared = prepare(os.environ[ADMIN_URL], name)
    upgrade(prepared.migration_url)

    with pytest.raises(WrongRole, match="owns the tables"):
        check(prepared.owner_url)


def test_the_application_refuses_a_role_that_bypasses_the_policies(name):
    prepared = prepare(os.environ[ADMIN_URL], name)
    run_as_admin(os.environ[ADMIN_URL], f"ALTER ROLE {name}_app BYPASSRLS")

    with pytest.raises(WrongRole, match="bypass"):
        check(prepared.runtime_url)


def test_the_command_prints_both_urls(app, name):
    runner = app.test_cli_runner()

    result = runner.invoke(args=["database", "prepare", "--admin-url", os.environ[ADMIN_URL], "--name", name])

    owner, runtime = result.stdout.strip().splitlines()
    assert owner.startswith(f"DATABASE_OWNER_URL=postgresql://{name}_owner:")
    assert runtime.startswith(f"DATABASE_URL=postgresql://{name}_app:")
    check(runtime.removeprefix("DATABASE_URL="))
    again = runner.invoke(args=["database", "prepare", "--admin-url", os.environ[ADMIN_URL], "--name", name])
    assert f"was there: role {name}_app" in again.stderr
