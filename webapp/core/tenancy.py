"""The walls between organizations: one session speaks for one organization, and says so first.

Wall 1 is here: unbound sessions raise, ORM statements get the organization's criterion, foreign rows and foreign ids
are refused at the flush. Wall 2 is row-level security on PostgreSQL, fed by `after_begin`.
"""

import hashlib
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import orjson
from flask_babel import gettext as _
from sqlalchemy import (
    ARRAY,
    Dialect,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    any_,
    event,
    func,
    inspect,
    null,
    select,
    text,
    union_all,
)
from sqlalchemy.orm import Mapped, ORMExecuteState, declared_attr, mapped_column, with_loader_criteria
from sqlalchemy.orm import Session as BaseSession
from sqlalchemy.sql import ColumnElement, Select, literal
from sqlalchemy.types import UserDefinedType

from webapp.core.database import Id, Model, Moment, PrimaryKey, Session, UtcDateTime, db, utcnow
from webapp.core.driver import begin_with, roll_back
from webapp.core.errors import Invalid

ORGANIZATION = "organization_id"
ANNOUNCE = "SELECT * FROM announce_organization(%d, %s)"


class Unscoped(RuntimeError):
    """A statement was sent, or a row written, before the session had an organization."""


class TenantScoped:
    """A row that belongs to one organization."""

    __recorded__ = True
    __secrets__: frozenset[str] = frozenset()

    id: Mapped[PrimaryKey]
    organization_id: Mapped[int] = mapped_column(Id)

    @classmethod
    def tenant_arguments(cls) -> tuple[Any, ...]:
        """Return the constraints that each tenant table has."""
        return (
            ForeignKeyConstraint([ORGANIZATION], ["organizations.id"]),
            UniqueConstraint(ORGANIZATION, "id"),
        )


class Entity(TenantScoped):
    """A thing that people see: it has a guid, a version for compare-and-set, and its times."""

    guid: Mapped[str] = mapped_column(default=lambda: str(uuid.uuid4()))
    created_at: Mapped[Moment] = mapped_column(default=utcnow)
    updated_at: Mapped[Moment] = mapped_column(default=utcnow)
    version: Mapped[int] = mapped_column(default=1)

    @declared_attr.directive
    @classmethod
    def __mapper_args__(cls) -> dict[str, Any]:
        return {"version_id_col": cls.version}


class SoftDeleted:
    """A thing that can be deleted and brought back."""

    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime, default=None)


def tenant_table_arguments(*own: Any) -> tuple[Any, ...]:
    """Return `__table_args__` of a tenant table: what all have, and what is its own."""
    return (*TenantScoped.tenant_arguments(), *own, {"sqlite_autoincrement": True})


def unique_among_living(name: str, *columns: str, where: str = "") -> Index:
    """Return a unique index within an organization that deleted rows, and those `where` leaves out, do not count in."""
    condition = text(f"{where} AND deleted_at IS NULL" if where else "deleted_at IS NULL")
    return Index(name, "organization_id", *columns, unique=True, postgresql_where=condition, sqlite_where=condition)


def tenant_reference(table: str, *columns: str, uphill: bool = False) -> Iterator[ForeignKeyConstraint]:
    """Yield a composite foreign key into a tenant table for each of the columns; `uphill` ones close a circle."""
    for column in columns:
        target = [f"{table}.{ORGANIZATION}", f"{table}.id"]
        yield ForeignKeyConstraint([ORGANIZATION, column], target, use_alter=uphill)


def bind(session: BaseSession, organization_id: int, *, write: bool, scope_location_id: int | None = None) -> None:
    """Give a session its organization, once and before its first statement.

    Raises Unscoped when the session has begun or speaks for another organization already.
    """
    if session.in_transaction():
        raise Unscoped("bind before the first statement")
    if session.info.get(ORGANIZATION, organization_id) != organization_id:
        raise Unscoped("one session, one organization")
    session.info.update(organization_id=organization_id, write=write, scope_location_id=scope_location_id)


def organization_of(session: BaseSession) -> int:
    """Return the organization a session is bound to, or raise Unscoped."""
    organization_id = session.info.get(ORGANIZATION)
    if organization_id is None:
        raise Unscoped("this session has no organization")
    return int(organization_id)


@contextmanager
def new_session(organization_id: int, *, write: bool, scope_location_id: int | None = None) -> Iterator[BaseSession]:
    """Open a session of its own for an organization; roll back what was not committed."""
    session = db.session.session_factory()
    bind(session, organization_id, write=write, scope_location_id=scope_location_id)
    try:
        yield session
    finally:
        session.close()


def enter(session: BaseSession, question: str, *, reads: bool) -> dict[str, Any]:
    """Begin a session's transaction with a question of who asks; it speaks for the organization that was found.

    The answer has the one who was found, empty when there is nobody, and how the organization stands (core/totals).
    Nothing is trusted yet: until the session is bound to that very organization it can ask nothing.
    """
    connection = session.info["connection"] = db.engine.connect()
    found, *standing = (orjson.loads(cell or "{}") for cell in begin_with(connection, question))
    session.info["entered"] = (found.get(ORGANIZATION), reads, tuple(standing))
    return dict(found)


@event.listens_for(Session, "after_begin")
def announce_organization(session: BaseSession, _transaction: Any, connection: Any) -> None:
    """Tell PostgreSQL for whom this transaction speaks, and hold one that did not say so to reading.

    In the same message it hears how the organization stands (core/totals). Who has entered has said so already.
    """
    if connection.dialect.name != "postgresql" or connection.in_nested_transaction():
        return
    organization_id, reads = organization_of(session), not session.info.get("write")
    entered = session.info.pop("entered", None)
    if entered is not None and entered[:2] == (organization_id, reads):
        session.info["standing"] = entered[2]
        return
    if entered is not None:
        roll_back(connection.connection.driver_connection)
    cells = begin_with(connection, ANNOUNCE % (organization_id, reads))
    session.info["standing"] = tuple(orjson.loads(cell or "{}") for cell in cells)


@event.listens_for(Session, "do_orm_execute")
def guard_statement(state: ORMExecuteState) -> None:
    """Refuse unbound statements and give ORM ones the organization's criterion."""
    organization_id = organization_of(state.session)
    written = state.session.info.get("written")
    if written and not state.is_select and getattr(state.statement, "table", written[0]) is written[0]:
        del state.session.info["written"]  # text does not say which table it writes
    if state.is_orm_statement:
        if state.is_insert:
            raise Unscoped("rows are added to a session, where the flush looks at them, or inserted by core")
        if not state.is_column_load and not state.is_relationship_load:
            state.statement = state.statement.options(
                with_loader_criteria(
                    TenantScoped, lambda cls: cls.organization_id == organization_id, include_aliases=True
                )
            )
    elif not state.execution_options.get("tenant_checked"):
        raise Unscoped("statements over tables go through core: use tenancy.scoped()")


CHECKED: dict[str, bool] = {"tenant_checked": True}


def scoped(session: BaseSession, table: Table) -> ColumnElement[bool]:
    """Return the predicate that keeps a statement over a table inside the session's organization."""
    if table.name == "organizations":
        return table.c.id == organization_of(session)
    if ORGANIZATION not in table.c:
        raise Unscoped(f"{table.name} has no organization; its resource must say how rows belong")
    return table.c.organization_id == organization_of(session)


class Numbers(UserDefinedType[Any]):
    """Many whole numbers as one value: an array of PostgreSQL, JSON elsewhere; as text it is sent ten times faster."""

    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Any:
        """Return what writes numbers, or takes them as text between commas."""
        way = "{%s}" if dialect.name == "postgresql" else "[%s]"
        return lambda numbers: way % (numbers if isinstance(numbers, str) else ",".join(map(str, numbers)))


def among(session: BaseSession, column: ColumnElement[Any], values: Iterable[Any]) -> ColumnElement[bool]:
    """Return the predicate that a column is one of many numbers or texts, which are one parameter where they can be."""
    postgresql = session.get_bind().dialect.name == "postgresql"
    if isinstance(column.type, Integer):
        many = literal(values, Numbers())
        return column == any_(many) if postgresql else column.in_(select(func.json_each(many).table_valued("value")))
    if postgresql and isinstance(column.type, String):
        return column == any_(literal(list(values), ARRAY(Text)))
    return column.in_(list(values))


def hold(session: BaseSession, name: str, *, wait: bool = True) -> bool:
    """Keep others of the organization from holding a name until this transaction ends (PostgreSQL).

    Without `wait` somebody else's hold is told by False. On SQLite only one writes at a time anyway.
    """
    if session.get_bind().dialect.name != "postgresql":
        return True
    digest = hashlib.sha256(f"{organization_of(session)} {name}".encode()).digest()
    lock = "SELECT pg_advisory_xact_lock(:number) IS NOT NULL" if wait else "SELECT pg_try_advisory_xact_lock(:number)"
    number = {"number": int.from_bytes(digest[:8], signed=True)}
    return bool(session.execute(text(lock), number, execution_options=CHECKED).scalar())


def below(session: BaseSession, column: ColumnElement[Any], location_id: int) -> ColumnElement[bool]:
    """Return the predicate that a located column is a place or somewhere below it."""
    tree = Model.metadata.tables["location_ancestors"]
    inside = select(tree.c.location_id).where(
        tree.c.organization_id == organization_of(session), tree.c.ancestor_id == location_id
    )
    return column.in_(inside)


def within_location_scope(session: BaseSession, column: ColumnElement[Any]) -> ColumnElement[bool] | None:
    """Return the predicate that keeps a located column inside the actor's subtree, None when it is not narrowed."""
    scope = session.info.get("scope_location_id")
    return None if scope is None else below(session, column, scope)


@event.listens_for(Session, "before_flush")
def guard_rows(session: BaseSession, _context: Any, _instances: Any) -> None:
    """Stamp new rows, refuse rows of another organization and ids that lead out of it."""
    organization_id = organization_of(session)
    pairs: list[tuple[Table, str, int]] = []
    for row in (*session.new, *session.dirty, *session.deleted):
        if not isinstance(row, TenantScoped):
            continue
        if row in session.new and vars(row).get(ORGANIZATION) is None:
            row.organization_id = organization_id
        if row.organization_id != organization_id:
            raise Unscoped(f"{type(row).__name__} belongs to another organization")
        pairs += changed_references(session, row)
    missing = missing_references(session, pairs)
    if missing:
        raise Invalid({column: [_("does not exist")] for _table, column, _id in missing})


def changed_references(session: BaseSession, row: Any) -> list[tuple[Table, str, int]]:
    """Return (table, column, id) of each foreign id that a flush would write for a row."""
    table: Table = row.__table__
    changed = []
    for column, target in references(table).items():
        value = getattr(row, column)
        if value is not None and (row in session.new or column not in _unchanged(row)):
            changed.append((target, column, value))
    return changed


def _unchanged(row: Any) -> set[str]:
    return {attribute.key for attribute in inspect(row).attrs if not attribute.history.has_changes()}


def references(table: Table) -> dict[str, Table]:
    """Return the tenant tables that a table's own columns point to, by column."""
    found = {}
    for constraint in table.foreign_key_constraints:
        columns = [column.name for column in constraint.columns]
        if len(columns) == 2 and columns[0] == ORGANIZATION:
            found[columns[1]] = constraint.referred_table
    return found


def missing_references(session: BaseSession, pairs: list[tuple[Table, str, int]]) -> list[tuple[Table, str, int]]:
    """Return those (table, column, id) that name no living row in reach: one query for all of them."""
    return missing_beside(session, pairs, [])[0]


def missing_beside(
    session: BaseSession, pairs: list[tuple[Table, str, int]], more: list[Select[Any]]
) -> tuple[list[tuple[Table, str, int]], list[Any]]:
    """Return `missing_references`, and the rows of other queries that the same one asks; their first column is "#…".

    A session that writes holds what it found (PostgreSQL), so that nobody deletes it before the reference is there. It
    is not asked for again in the transaction, unless that has written into the same table itself.
    """
    keeps = session.info.get("write") and not session.in_nested_transaction()  # a savepoint may let go of what it held
    held: set[tuple[str, int]] = session.info.setdefault("held", set()) if keeps else set()
    touched = session.info.get("touched", ())
    wanted: dict[Table, set[int]] = {}
    for table, _column, row_id in pairs:
        if table.name in touched or (table.name, row_id) not in held:
            wanted.setdefault(table, set()).add(row_id)
    width = len(more[0].selected_columns) - 2 if more else 0
    parts = list(more)
    for table, ids in wanted.items():
        query = select(table.c.id).where(scoped(session, table), among(session, table.c.id, sorted(ids)))
        if "deleted_at" in table.c:
            query = query.where(table.c.deleted_at.is_(None))
        if located_by := table.info.get("located_by"):
            narrowed = within_location_scope(session, table.c[located_by])
            query = query if narrowed is None else query.where(narrowed)
        if session.info.get("write"):
            query = query.with_for_update(read=True, key_share=True, of=table)
        inner = query.subquery()
        parts.append(select(literal(table.name), inner.c.id, *[null()] * width))
    rows = session.execute(union_all(*parts), execution_options=CHECKED).all() if parts else []
    found = {(row[0], row[1]) for row in rows if row[0][0] != "#"}
    asked = {(table.name, row_id) for table, ids in wanted.items() for row_id in ids}
    held |= found
    return [pair for pair in pairs if (pair[0].name, pair[2]) in asked - found], [
        row for row in rows if row[0][0] == "#"
    ]
