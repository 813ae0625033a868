"""Migrations and models say the same, on both databases; a filled database keeps what it holds."""

import ast
import re
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import CheckConstraint, create_engine, inspect, pool, text

from tests.factories import RESOURCES, fill
from tests.households import found_organization
from webapp.core.database import Base
from webapp.core.tenancy import ORGANIZATION
from webapp.schema.migrate import MIGRATIONS, downgrade, upgrade

FILES = sorted((MIGRATIONS / "versions").glob("*.py"))
RUNTIME = "quartermaster_runtime"
SEARCH = re.compile(r"_search(_config|_content|_data|_docsize|_idx)?$")
ALL = {"SELECT", "INSERT", "UPDATE", "DELETE"}
# What the run-time role may do with a table, where it is not everything inside its organization.
GRANTS = {
    "activity": {"SELECT", "INSERT"},
    "activity_seals": {"SELECT", "INSERT"},
    "organizations": {"SELECT", "INSERT", "UPDATE"},
    "users": set(),  # some columns only: see below
    "sessions": set(),
    "one_time_links": set(),
    "recovery_codes": set(),
    "rate_buckets": set(),
    "alembic_version": {"SELECT"},
}
SECRET_COLUMNS = {("users", "password_hash"), ("users", "totp_secret"), ("users", "totp_step")}
OF_IDENTITY = {"sessions", "one_time_links"}  # they name an organization, and are out of the run-time role's reach
PUBLIC_FUNCTIONS: set[str] = set()


@pytest.fixture(scope="module")
def scripts():
    return ScriptDirectory(str(MIGRATIONS))


@pytest.fixture(scope="module")
def schema(database):
    """A connection of the owner to a database that migrations alone have made."""
    engine = create_engine(database.migration_url, poolclass=pool.NullPool)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def rows(connection, statement, **values):
    return [tuple(row) for row in connection.execute(text(statement), values)]


def test_there_is_one_head_and_one_way_to_it(scripts):
    assert len(scripts.get_heads()) == 1
    assert len(scripts.get_bases()) == 1
    assert not [script for script in scripts.walk_revisions() if script.is_branch_point or script.is_merge_point]


def test_files_are_named_for_their_revisions_in_order(scripts):
    names = [Path(script.path).name for script in scripts.walk_revisions()][::-1]

    assert names == [path.name for path in FILES]
    for script in scripts.walk_revisions():
        assert re.fullmatch(r"\d{8}_\d{4}_[a-z][a-z0-9_]+\.py", Path(script.path).name)
        assert Path(script.path).name.startswith(f"{script.revision}_")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_migration_imports_no_models(path):
    nodes = ast.walk(ast.parse(path.read_text()))
    found = {node.module for node in nodes if isinstance(node, ast.ImportFrom)}

    assert {name for name in found if name.startswith(("webapp", "config", "tests"))} <= {"webapp.schema.tenancy_ddl"}


def test_what_migrations_make_is_what_models_say(schema, app):
    def ours(name, kind, _parents):
        return kind not in {"table", "index"} or not SEARCH.search(name)

    options = {"compare_type": True, "include_name": ours}
    context = MigrationContext.configure(schema, opts=options)

    assert compare_metadata(context, Base.metadata) == []


def test_checks_and_partial_indexes_are_the_models_too(schema, app):
    inspector, dialect = inspect(schema), schema.dialect.name
    for name, table in Base.metadata.tables.items():
        checks = {c.name for c in table.constraints if isinstance(c, CheckConstraint) and c.name}
        assert {found["name"] for found in inspector.get_check_constraints(name)} == {str(check) for check in checks}
        found = {i["name"]: i.get("dialect_options", {}).get(f"{dialect}_where") for i in inspector.get_indexes(name)}
        for index in table.indexes:
            where = index.dialect_options[dialect]["where"]
            assert plain(found[index.name]) == plain(where), index.name


def plain(predicate):
    return re.sub(r"[()\s]", "", "" if predicate is None else str(predicate)).lower()


def test_every_model_of_an_organization_has_its_walls_in_the_schema(schema, app):
    for name, table in Base.metadata.tables.items():
        if ORGANIZATION in table.c:
            assert leads_to_an_organization(schema, name), name
            assert not table.c[ORGANIZATION].nullable or name in OF_IDENTITY, name


def leads_to_an_organization(schema, name):
    """Tell whether a key leads to the organization, or one that each row has to something that does."""
    columns = Base.metadata.tables[name].c
    for key in inspect(schema).get_foreign_keys(name):
        target, held = key["referred_table"], key["constrained_columns"]
        if target == "organizations":
            return True
        inside = held[0] == ORGANIZATION and target != name
        if inside and not any(columns[c].nullable for c in held) and leads_to_an_organization(schema, target):
            return True
    return False


def test_foreign_keys_stay_inside_an_organization_and_act_on_nothing(schema, app):
    for name in Base.metadata.tables:
        for key in inspect(schema).get_foreign_keys(name):
            assert not {k: v for k, v in key["options"].items() if k in {"ondelete", "onupdate"}}, name
            if ORGANIZATION in Base.metadata.tables[key["referred_table"]].c:
                assert ORGANIZATION in key["constrained_columns"], (name, key)


@pytest.mark.postgresql
def test_every_tenant_table_is_fenced_and_not_forced(schema):
    found = {
        name: (enabled, forced)
        for name, enabled, forced in rows(
            schema,
            "SELECT relname, relrowsecurity, relforcerowsecurity FROM pg_class"
            " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')",
        )
    }

    assert set(found) - {"alembic_version"} == set(Base.metadata.tables)
    assert {name for name, wall in found.items() if wall != (True, False)} == {"alembic_version"}


@pytest.mark.postgresql
def test_every_policy_looks_at_the_organization_both_ways(schema):
    policies = rows(
        schema, "SELECT tablename, permissive, cmd, coalesce(qual, ''), coalesce(with_check, '') FROM pg_policies"
    )
    tenant = {name for name, table in Base.metadata.tables.items() if ORGANIZATION in table.c} - OF_IDENTITY

    assert {table for table, *_rest in policies} == tenant | {"organizations", "users"}
    for table, permissive, verbs, using, check in policies:
        assert permissive == "PERMISSIVE"
        assert "app.organization_id" in using, table
        assert (verbs, check) == ("SELECT", "") if table == "users" else (verbs, check) == ("ALL", using), table
    assert len(policies) == len(tenant) + 2


@pytest.mark.postgresql
def test_the_run_time_role_may_do_just_what_it_needs(schema):
    granted = rows(
        schema,
        "SELECT table_name, privilege_type FROM information_schema.role_table_grants"
        " WHERE grantee = :role AND table_schema = 'public'",
        role=RUNTIME,
    )
    found = {name: {verb for table, verb in granted if table == name} for name in inspect(schema).get_table_names()}

    assert found == {name: GRANTS.get(name, ALL) for name in found}


@pytest.mark.postgresql
def test_the_run_time_role_owns_nothing_and_stands_under_the_walls(schema):
    owners = {owner for (owner,) in rows(schema, "SELECT tableowner FROM pg_tables WHERE schemaname = 'public'")}
    roles = rows(
        schema, "SELECT rolname, rolsuper, rolbypassrls, rolcanlogin FROM pg_roles WHERE rolname = :r", r=RUNTIME
    )

    assert roles == [(RUNTIME, False, False, False)]
    assert owners == {"test_owner"}
    public = rows(schema, "SELECT table_name FROM information_schema.role_table_grants WHERE grantee = 'PUBLIC'"
                  " AND table_schema = 'public'")  # fmt: skip
    assert public == []


@pytest.mark.postgresql
def test_secrets_of_users_are_out_of_the_run_time_roles_reach(schema):
    readable = rows(
        schema,
        "SELECT table_name::text, column_name::text FROM information_schema.role_column_grants"
        " WHERE grantee = :role AND privilege_type = 'SELECT'",
        role=RUNTIME,
    )

    assert SECRET_COLUMNS & set(readable) == set()
    assert ("users", "email") in readable


@pytest.mark.postgresql
def test_functions_that_look_over_the_walls_are_the_run_time_roles_alone(schema):
    functions = rows(
        schema,
        "SELECT p.proname, coalesce(array_to_string(p.proconfig, ','), ''),"
        " has_function_privilege('public', p.oid, 'EXECUTE'), has_function_privilege(:role, p.oid, 'EXECUTE')"
        " FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.prosecdef",
        role=RUNTIME,
    )

    assert {name.split("_")[0] for name, *_rest in functions} == {"identity", "search"}
    for name, settings, anybody, runtime in functions:
        assert settings == "search_path=public, pg_temp", name
        assert (anybody, runtime) == (False, True), name


def test_what_is_written_down_cannot_be_changed_on_sqlite_either(schema):
    if schema.dialect.name != "sqlite":
        return

    triggers = {name for (name,) in rows(schema, "SELECT name FROM sqlite_master WHERE type = 'trigger'")}

    for table in ("activity", "activity_seals"):
        assert {f"{table}_no_update", f"{table}_no_delete"} <= triggers


def content(url):
    """Return every row of every table, as the owner sees them."""
    engine = create_engine(url, poolclass=pool.NullPool)
    with engine.connect() as connection:
        names = [name for name in inspect(connection).get_table_names() if not SEARCH.search(name)]
        found = {name: rows(connection, f'SELECT * FROM "{name}"') for name in names if name != "alembic_version"}
    engine.dispose()
    return {name: sorted(map(repr, lines)) for name, lines in found.items()}


@pytest.fixture(scope="module")
def filled(new_database, new_app):
    """A database of its own with two organizations and thirteen of everything in each."""
    urls = new_database()
    app = new_app(urls)
    households = [found_organization(app) for _ in range(2)]
    for household in households:
        for name in RESOURCES:
            fill(household, name, 13)
    yield urls, households
    with app.app_context():
        from webapp.core.database import db

        db.engine.dispose()


def test_a_filled_database_keeps_all_it_holds_through_the_last_revision(filled, scripts):
    urls, households = filled
    before, last = content(urls.migration_url), scripts.get_revision("head")
    assert all(len(before[resource.table.name]) >= 2 for resource in RESOURCES.values())

    downgrade(urls.migration_url, last.down_revision)
    between = content(urls.migration_url)
    upgrade(urls.migration_url)

    assert between == {name: before[name] for name in between}
    after = content(urls.migration_url)
    assert after == before | {name: [] for name in set(before) - set(between)}
    assert found_again(households[0])


def found_again(household):
    """Tell whether search still finds, through what migrations have made around the tables."""
    api = household.api_client()
    return [row["tag"] for row in api.get("assets?q=Tag-0000").json["data"]] == ["Tag-0000"]


def test_no_row_of_a_filled_database_points_nowhere(filled):
    engine = create_engine(filled[0].migration_url, poolclass=pool.NullPool)
    with engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            assert rows(connection, "PRAGMA foreign_key_check") == []
            assert rows(connection, "PRAGMA integrity_check") == [("ok",)]
        else:
            unchecked = rows(connection, "SELECT conname FROM pg_constraint WHERE NOT convalidated")
            assert unchecked == []
    engine.dispose()
