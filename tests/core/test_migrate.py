import pytest
from sqlalchemy import create_engine, pool, text
from sqlalchemy.exc import ProgrammingError

from webapp.schema.migrate import NotMigrated, downgrade, ensure_current, has_data, is_current


def execute(url, statement):
    engine = create_engine(url, poolclass=pool.NullPool)
    with engine.begin() as connection:
        return connection.execute(text(statement))


def test_an_empty_database_is_migrated_at_the_start(new_database):
    urls = new_database(migrated=False)
    assert not is_current(urls.url)
    assert not has_data(urls.url)

    ensure_current(urls.url, urls.owner_url)

    assert is_current(urls.url)
    assert not has_data(urls.url)


def test_migrating_twice_changes_nothing(new_database):
    urls = new_database()

    ensure_current(urls.url, urls.owner_url)

    assert is_current(urls.url)


def test_every_migration_can_be_taken_back_and_made_again(new_database):
    urls = new_database()

    downgrade(urls.migration_url, "base")
    assert not is_current(urls.url)
    ensure_current(urls.url, urls.owner_url)

    assert is_current(urls.url)


def test_a_user_counts_as_data(new_database):
    urls = new_database()
    values = "'g', 'a@example.org', 'a@example.org', 'A', true, '2026-01-01 00:00:00', '2026-01-01 00:00:00', 1"
    columns = "guid, email, email_key, name, is_active, created_at, updated_at, version"

    execute(urls.migration_url, f"INSERT INTO users ({columns}) VALUES ({values})")

    assert has_data(urls.url)


@pytest.mark.postgresql
def test_the_run_time_role_says_what_is_missing_instead_of_migrating(new_database):
    urls = new_database(migrated=False)

    with pytest.raises(NotMigrated, match="DATABASE_OWNER_URL"):
        ensure_current(urls.url)


@pytest.mark.postgresql
def test_the_run_time_role_cannot_change_the_schema(new_database):
    urls = new_database()

    for statement in ("CREATE TABLE mine (id int)", "ALTER TABLE users ADD COLUMN mine int", "DROP TABLE users"):
        with pytest.raises(ProgrammingError, match=r"permission denied|must be owner"):
            execute(urls.url, statement)
