"""Each of the two walls holds alone, for every table that organizations share."""

import psycopg
import pytest
from psycopg import errors, sql
from sqlalchemy import create_engine, delete, func, insert, pool, select, update
from sqlalchemy.engine import make_url
from sqlalchemy.orm import aliased

from tests.factories import RESOURCES, fill, having, make, patch_for
from tests.households import found_organization
from tests.snapshots import TENANT_TABLES, snapshot
from webapp.core.database import Base, Session, db, install_sqlite_pragmas
from webapp.core.errors import Invalid
from webapp.core.tenancy import TenantScoped, Unscoped, bind, new_session, references
from webapp.faces.saved_views import save_view

MAPPED = sorted((mapper.class_ for mapper in Base.registry.mappers), key=lambda model: model.__name__)
MODELS = [model for model in MAPPED if issubclass(model, TenantScoped)]
FILLED = [resource.model for resource in RESOURCES.values() if issubclass(resource.model, TenantScoped)]
LEFT_EMPTY = {
    "activity_seals", "archives", "import_kept", "import_mappings", "import_rows", "imports", "jobs",
    "webhook_deliveries",
}  # fmt: skip
APPEND_ONLY = ("activity", "activity_seals")
REFERRING = [
    (model, column, table) for model in FILLED for column, table in sorted(references(model.__table__).items())
]

every_model = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
every_filled = pytest.mark.parametrize("model", FILLED, ids=lambda model: model.__name__)
every_table = pytest.mark.parametrize("table", TENANT_TABLES)


@pytest.fixture(scope="module")
def ours(app):
    household = found_organization(app)
    for name in RESOURCES:
        fill(household, name, 3)
    return household


@pytest.fixture(scope="module")
def theirs(app):
    household = found_organization(app)
    for name in RESOURCES:
        fill(household, name, 3)
    patch = {name: value for name, value in patch_for(household, "assets").items() if name != "tag"}
    household.api_client().post("assets", patch, headers={"Idempotency-Key": "walls"})
    with household.context() as context:
        save_view(context, RESOURCES["assets"], "All there is", "", shared=True)
        context.session.commit()
    return household


@pytest.fixture(scope="module")
def known(theirs):
    """What the other organization has, which no test changes."""
    return snapshot(theirs)


@pytest.fixture(autouse=True)
def nothing_of_theirs_changes(theirs, known):
    yield
    assert snapshot(theirs) == known


@pytest.fixture
def first_wall(app, database):
    """A function that opens sessions behind the first wall alone: on PostgreSQL as the owner, whom no policy binds."""
    engine = create_engine(database.migration_url, poolclass=pool.NullPool)
    if engine.dialect.name == "sqlite":
        install_sqlite_pragmas(engine)

    class Alone(Session):
        def get_bind(self, *args, **kwargs):
            return engine

    def start(household=None):
        session = Alone(db, autoflush=False, expire_on_commit=False)
        if household is not None:
            bind(session, household.id, write=True)
        opened.append(session)
        return session

    opened = []
    with app.app_context():
        yield start
        for session in opened:
            session.close()
    engine.dispose()


def one_of(household, model):
    """Return the id of a row of an organization."""
    with household.app.app_context(), new_session(household.id, write=False) as session:
        return session.scalars(select(model.id).order_by(model.id)).first()


@every_model
def test_an_unbound_session_answers_nothing(first_wall, model):
    with pytest.raises(Unscoped):
        first_wall().scalars(select(model)).all()


@every_model
def test_a_plain_statement_over_a_table_is_refused(first_wall, ours, model):
    session = first_wall(ours)

    for statement in (select(model.__table__), update(model.__table__).values(id=1), model.__table__.delete()):
        with pytest.raises(Unscoped):
            session.execute(statement)


@every_filled
def test_the_first_wall_alone_shows_no_foreign_row(first_wall, ours, theirs, model):
    session, foreign, other = first_wall(ours), one_of(theirs, model), aliased(model)

    owners = set(session.scalars(select(model.organization_id)))
    assert owners == {ours.id}
    assert session.get(model, foreign) is None
    assert session.scalars(select(model).where(model.id == foreign)).all() == []
    assert set(session.scalars(select(other.organization_id))) == {ours.id}
    assert session.scalar(select(func.count()).select_from(model).where(model.organization_id == theirs.id)) == 0
    joined = select(model.id).join(other, other.id >= model.id).where(other.organization_id == theirs.id)
    assert session.scalars(joined).all() == []


@every_filled
def test_the_first_wall_alone_changes_no_foreign_row(first_wall, ours, theirs, model):
    session, foreign = first_wall(ours), one_of(theirs, model)

    changed = session.execute(update(model).where(model.id == foreign).values(version=99))
    deleted = session.execute(delete(model).where(model.id == foreign))

    assert (changed.rowcount, deleted.rowcount) == (0, 0)
    session.commit()


@every_filled
def test_the_first_wall_alone_takes_no_row_for_another(first_wall, ours, theirs, model):
    session = first_wall(ours)

    session.add(model(organization_id=theirs.id))

    with pytest.raises(Unscoped):
        session.flush()


@every_filled
def test_the_first_wall_alone_lets_no_row_move_over(first_wall, ours, theirs, model):
    session = first_wall(ours)
    row = session.scalars(select(model)).first()

    row.organization_id = theirs.id

    with pytest.raises(Unscoped):
        session.flush()


@every_filled
def test_the_first_wall_alone_writes_no_row_that_was_read_elsewhere(first_wall, ours, theirs, model):
    reader, writer = first_wall(theirs), first_wall(ours)
    row = reader.scalars(select(model)).first()
    reader.expunge(row)

    writer.add(row)
    writer.delete(row)

    with pytest.raises(Unscoped):
        writer.flush()


@every_filled
def test_the_first_wall_alone_takes_no_bulk_insert(first_wall, ours, theirs, model):
    session = first_wall(ours)

    with pytest.raises(Unscoped):
        session.execute(insert(model), [{"organization_id": theirs.id}])


@pytest.mark.parametrize(("model", "column", "table"), REFERRING, ids=[f"{m.__name__}.{c}" for m, c, _t in REFERRING])
def test_the_first_wall_alone_names_an_id_that_leads_out(first_wall, ours, theirs, model, column, table):
    target = next(resource for resource in RESOURCES.values() if resource.table is table)
    session, foreign = first_wall(ours), one_of(theirs, target.model)
    row = session.scalars(select(model)).first()

    setattr(row, column, foreign)

    with pytest.raises(Invalid) as refused:
        session.flush()
    assert set(refused.value.errors) == {column}


@pytest.fixture
def second_wall(database):
    """A bare connection as the run-time role, that says for whom it speaks or does not."""
    url = make_url(database.url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url) as connection:
        yield connection
        connection.rollback()


def speak_for(connection, household):
    connection.execute("SELECT set_config('app.organization_id', %s, true)", [str(household.id)])


def run(connection, statement, *values, **names):
    identifiers = {name: sql.Identifier(value) for name, value in names.items()}
    return connection.execute(sql.SQL(statement).format(**identifiers), values)


def refused(connection, error, statement, *values, **names):
    with pytest.raises(error), connection.transaction():
        run(connection, statement, *values, **names)


@pytest.mark.postgresql
@every_table
def test_the_second_wall_alone_shows_one_organization(second_wall, ours, theirs, table):
    speak_for(second_wall, theirs)
    sung = run(second_wall, "SELECT count(*) FROM {table}", table=table).fetchone()[0]
    speak_for(second_wall, ours)

    seen = run(second_wall, "SELECT DISTINCT organization_id FROM {table}", table=table).fetchall()

    assert seen in ([], [(ours.id,)])
    assert sung or table in LEFT_EMPTY, "the factories leave it empty"


@pytest.mark.postgresql
@pytest.mark.parametrize("table", [*TENANT_TABLES, "organizations", "users"])
def test_the_second_wall_alone_shows_nothing_to_who_says_nothing(second_wall, ours, theirs, table):
    assert run(second_wall, "SELECT count(*) FROM {table}", table=table).fetchone() == (0,)
    speak_for(second_wall, ours)
    second_wall.commit()
    assert run(second_wall, "SELECT count(*) FROM {table}", table=table).fetchone() == (0,), (
        "it ends with its transaction"
    )
    for nonsense in ("", "0", "-1"):
        second_wall.execute("SELECT set_config('app.organization_id', %s, true)", [nonsense])
        assert run(second_wall, "SELECT count(*) FROM {table}", table=table).fetchone() == (0,)


@pytest.mark.postgresql
@pytest.mark.parametrize("table", [name for name in TENANT_TABLES if name not in APPEND_ONLY])
def test_the_second_wall_alone_changes_nothing_of_others(second_wall, ours, theirs, table):
    speak_for(second_wall, ours)

    changed = run(second_wall, "UPDATE {table} SET organization_id = organization_id WHERE organization_id = %s",
                  theirs.id, table=table)  # fmt: skip
    deleted = run(second_wall, "DELETE FROM {table} WHERE organization_id = %s", theirs.id, table=table)

    assert (changed.rowcount, deleted.rowcount) == (0, 0)


@pytest.mark.postgresql
@every_table
def test_the_second_wall_alone_takes_no_row_for_another(second_wall, ours, theirs, table):
    speak_for(second_wall, ours)

    refused(second_wall, errors.InsufficientPrivilege, "INSERT INTO {table} (organization_id) VALUES (%s)",
            theirs.id, table=table)  # fmt: skip


@pytest.mark.postgresql
@every_filled
def test_the_second_wall_alone_lets_no_row_move_over(second_wall, ours, theirs, model):
    speak_for(second_wall, ours)

    refused(second_wall, errors.InsufficientPrivilege, "UPDATE {table} SET organization_id = %s",
            theirs.id, table=model.__tablename__)  # fmt: skip


@pytest.mark.postgresql
@pytest.mark.parametrize("table", APPEND_ONLY)
def test_what_is_written_down_can_neither_be_changed_nor_taken_out(second_wall, ours, table):
    speak_for(second_wall, ours)

    for statement in (
        "UPDATE {table} SET organization_id = organization_id",
        "DELETE FROM {table}",
        "TRUNCATE {table}",
    ):
        refused(second_wall, errors.InsufficientPrivilege, statement, table=table)


@pytest.mark.postgresql
@pytest.mark.parametrize("table", ["sessions", "rate_buckets", "one_time_links", "recovery_codes"])
def test_what_identity_keeps_is_shown_to_nobody(second_wall, ours, table):
    speak_for(second_wall, ours)

    refused(second_wall, errors.InsufficientPrivilege, "SELECT * FROM {table}", table=table)


@pytest.mark.postgresql
def test_the_second_wall_alone_shows_users_of_one_organization_without_their_passwords(second_wall, ours, theirs):
    speak_for(second_wall, ours)

    seen = {row[0] for row in second_wall.execute("SELECT id FROM users")}
    members = {row[0] for row in second_wall.execute("SELECT user_id FROM memberships WHERE deleted_at IS NULL")}

    assert seen == members
    assert theirs.owner.user_id not in seen
    refused(second_wall, errors.InsufficientPrivilege, "SELECT password_hash FROM users")
    refused(second_wall, errors.InsufficientPrivilege, "UPDATE users SET name = 'x'")


@pytest.mark.postgresql
@pytest.mark.parametrize("resource", [r for r in having("list") if r.search], ids=lambda resource: resource.name)
def test_the_functions_that_search_stay_inside_too(second_wall, ours, theirs, resource):
    search = "SELECT found.id FROM {function}(ARRAY['%%'], false, 1000) AS found(id)"
    function, table = f"search_{resource.table.name}", resource.table.name
    assert run(second_wall, search, function=function).fetchall() == []
    speak_for(second_wall, ours)

    found = run(second_wall, search, function=function).fetchall()

    own = run(second_wall, "SELECT id FROM {table} WHERE deleted_at IS NULL", table=table).fetchall()
    assert sorted(found) == sorted(own) != []


@pytest.mark.postgresql
def test_the_run_time_role_can_lower_no_wall(second_wall, ours):
    speak_for(second_wall, ours)

    for statement in (
        "ALTER TABLE assets DISABLE ROW LEVEL SECURITY",
        "DROP POLICY tenant ON assets",
        "CREATE POLICY all_of_it ON assets USING (true)",
        "SET ROLE test_owner",
        "SET SESSION AUTHORIZATION test_owner",
        "CREATE OR REPLACE FUNCTION search_assets(text[], boolean, integer) RETURNS SETOF bigint LANGUAGE sql AS 'SELECT 1'",
    ):
        refused(second_wall, errors.InsufficientPrivilege, statement)


def test_a_stream_speaks_for_its_own_organization(organization, other_organization):
    """An export runs after its request's session has ended."""
    rows = [h.api_client().get(f"assets/{make(h, 'assets')}").json["data"] for h in (organization, other_organization)]

    csv = organization.page_client().get("/assets/export.csv?fields=guid").get_data(as_text=True)

    assert rows[0]["guid"] in csv
    assert rows[1]["guid"] not in csv
