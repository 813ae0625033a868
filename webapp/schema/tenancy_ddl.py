"""What a migration writes to make a table of an organization: columns, walls, grants and its search index.

Migrations call these and name their columns themselves. Nothing here knows a model: old migrations keep their meaning.
"""

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

if TYPE_CHECKING:
    from alembic.operations import Operations

RUNTIME_ROLE = "quartermaster_runtime"
CURRENT_ORGANIZATION = "NULLIF(current_setting('app.organization_id', true), '')::bigint"
Id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KeyText = sa.String(255).with_variant(sa.String(255, collation="C"), "postgresql")
Json = sa.JSON().with_variant(JSONB(), "postgresql")
Moment = sa.DateTime(timezone=True)


def is_postgresql(op: "Operations") -> bool:
    """Tell whether the migration runs on PostgreSQL."""
    return op.get_bind().dialect.name == "postgresql"


def column(name: str, kind: Any, *, null: bool = False) -> sa.Column[Any]:
    """Return a column, required unless said otherwise."""
    return sa.Column(name, kind, nullable=null)


def entity_columns(*, deleted: bool = True) -> list[sa.Column[Any]]:
    """Return the columns that every thing people see has, beside its id and organization."""
    columns = [
        column("guid", sa.String()),
        column("created_at", Moment),
        column("updated_at", Moment),
        column("version", sa.Integer()),
    ]
    return [*columns, column("deleted_at", Moment, null=True)] if deleted else columns


def reference(table: str, name: str) -> sa.ForeignKeyConstraint:
    """Return the composite foreign key of a column into a table of the same organization."""
    return sa.ForeignKeyConstraint(["organization_id", name], [f"{table}.organization_id", f"{table}.id"])


def unique_among_living(op: "Operations", table: str, name: str, *columns: str, where: str = "") -> None:
    """Make a unique index within an organization that deleted rows, and those `where` leaves out, do not count in."""
    condition = sa.text(f"{where} AND deleted_at IS NULL" if where else "deleted_at IS NULL")
    names = ["organization_id", *columns]
    op.create_index(name, table, names, unique=True, postgresql_where=condition, sqlite_where=condition)


def index(op: "Operations", table: str, *columns: str) -> None:
    """Make an index that begins with the organization."""
    names = ["organization_id", *columns]
    op.create_index(f"ix_{table}_{'_'.join(names)}", table, names)


def tenant_table(
    op: "Operations",
    name: str,
    *items: sa.Column[Any] | sa.Constraint,
    own_key: bool = True,
    append_only: bool = False,
    searchable: bool = False,
) -> None:
    """Create a table of an organization with its policy and grants.

    With `own_key` it has a numeric id that foreign keys point to together with the organization; `append_only` tables
    can be read and inserted into, no more; `searchable` ones have a `search_text` and what finds it.
    """
    head: list[Any] = [
        column("organization_id", Id),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"]),
    ]
    if own_key:
        head = [sa.Column("id", Id, primary_key=True), *head, sa.UniqueConstraint("organization_id", "id")]
    if searchable:
        head.append(column("search_text", sa.Text()))
    op.create_table(name, *head, *items, **({"sqlite_autoincrement": True} if own_key else {}))
    guard_table(op, name, append_only=append_only)
    if searchable:
        make_searchable(op, name)


def guard_table(op: "Operations", name: str, *, append_only: bool = False, predicate: str | None = None) -> None:
    """Raise the second wall around a table: row-level security for everybody but its owner, and the grants."""
    if not is_postgresql(op):
        if append_only:
            for verb in ("UPDATE", "DELETE"):
                op.execute(
                    f"CREATE TRIGGER {name}_no_{verb.lower()} BEFORE {verb} ON {name} "
                    f"BEGIN SELECT RAISE(ABORT, '{name} is append-only'); END"
                )
        return
    inside = predicate or f"organization_id = {CURRENT_ORGANIZATION}"
    verbs = "SELECT, INSERT" if append_only else "SELECT, INSERT, UPDATE, DELETE"
    op.execute(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY tenant ON {name} USING ({inside}) WITH CHECK ({inside})")
    op.execute(f"GRANT {verbs} ON {name} TO {RUNTIME_ROLE}")
    sequence = op.get_bind().scalar(
        sa.text(
            "SELECT pg_get_serial_sequence(:name, a.attname) FROM pg_attribute a WHERE a.attrelid = CAST(:name AS "
            "regclass) AND a.attname = 'id' AND NOT a.attisdropped"
        ),
        {"name": name},
    )
    if sequence:
        op.execute(f"GRANT USAGE, SELECT ON SEQUENCE {sequence} TO {RUNTIME_ROLE}")


def make_searchable(op: "Operations", name: str) -> None:
    """Index `search_text` for substrings: a trigram index read through a definer function, or an FTS5 table (D2)."""
    if is_postgresql(op):
        op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        op.execute("CREATE EXTENSION IF NOT EXISTS btree_gin")
        op.execute(f"CREATE INDEX ix_{name}_search ON {name} USING gin (organization_id, search_text gin_trgm_ops)")
        make_search_function(op, name)
        return
    op.execute(f"CREATE VIRTUAL TABLE {name}_search USING fts5(tenant, body, tokenize = 'trigram')")
    values = "new.id, printf('%012d', new.organization_id), new.search_text"
    op.execute(
        f"CREATE TRIGGER {name}_search_insert AFTER INSERT ON {name} BEGIN "
        f"INSERT INTO {name}_search (rowid, tenant, body) VALUES ({values}); END"
    )
    op.execute(
        f"CREATE TRIGGER {name}_search_update AFTER UPDATE OF search_text ON {name} BEGIN "
        f"UPDATE {name}_search SET body = new.search_text WHERE rowid = new.id; END"
    )
    op.execute(
        f"CREATE TRIGGER {name}_search_delete AFTER DELETE ON {name} BEGIN "
        f"DELETE FROM {name}_search WHERE rowid = old.id; END"
    )


def make_search_function(op: "Operations", name: str) -> None:
    """Make, or make anew, what finds the newest rows that hold every word, and those that begin a line with one.

    A word that more than a fiftieth of the newest rows hold is found by reading on from them: its index would name
    rows all over the table, the oldest first. For any other word the index is asked: for the word alone where the
    organization has most of the table, because its own list of rows is then far longer than the word's, and for both
    where that finds nothing, or too much of others.
    """
    inside = f"organization_id = {CURRENT_ORGANIZATION}"
    function = f"search_{name}(text[], boolean, integer)"
    holding = f"""SELECT t.id, t.organization_id, t.deleted_at, chr(10) || t.search_text LIKE ANY (lines) AS begins
              FROM {name} t WHERE t.search_text LIKE patterns[1] AND t.search_text LIKE ALL (patterns[2:])"""
    newest = f"SELECT id, search_text FROM {name} WHERE {inside} AND deleted_at IS NULL ORDER BY id DESC LIMIT"
    op.execute(f"DROP FUNCTION IF EXISTS {function}")
    op.execute(f"""
        CREATE FUNCTION search_{name}(patterns text[], gone boolean, hits integer)
        RETURNS TABLE (hit bigint, begins boolean)
        LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
        DECLARE
          mine bigint := {CURRENT_ORGANIZATION};
          newest bigint[];
          lines text[] := ARRAY(SELECT '%' || chr(10) || substr(p, 2) FROM unnest(patterns) p);
        BEGIN
          IF NOT gone AND (SELECT count(*) FROM ({newest} 250) n WHERE n.search_text LIKE ALL (patterns)) > 5 THEN
            newest := ARRAY(SELECT n.id FROM ({newest} 60000) n WHERE n.search_text LIKE ALL (patterns) LIMIT hits);
            IF cardinality(newest) = hits THEN
              RETURN QUERY SELECT unnest(newest), true;
              RETURN;
            END IF;
          END IF;
          IF (SELECT total FROM resource_totals WHERE {inside} AND item_type = '{name}')
            > 0.6 * (SELECT reltuples FROM pg_class WHERE oid = '{name}'::regclass)
          THEN
            RETURN QUERY
              WITH found AS MATERIALIZED ({holding} LIMIT 5000)
              SELECT f.id, f.begins FROM found f
              WHERE f.organization_id = mine AND (f.deleted_at IS NOT NULL) = gone
                AND (SELECT count(*) FROM found) < 5000
              ORDER BY f.id DESC LIMIT hits;
            IF FOUND THEN
              RETURN;
            END IF;
          END IF;
          RETURN QUERY
            WITH found AS MATERIALIZED ({holding} AND {inside} AND (deleted_at IS NOT NULL) = gone LIMIT 20000)
            SELECT f.id, f.begins FROM found f ORDER BY f.id DESC LIMIT hits;
        END $$""")
    op.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO {RUNTIME_ROLE}")


def drop_tenant_table(op: "Operations", name: str, *, searchable: bool = False) -> None:
    """Drop a table with what `tenant_table` made around it."""
    if searchable and is_postgresql(op):
        op.execute(f"DROP FUNCTION search_{name}(text[], boolean, integer)")
    elif searchable:
        op.execute(f"DROP TABLE {name}_search")
    op.drop_table(name)


def custom_column() -> sa.Column[Any]:
    """Return the column that holds a row's custom values."""
    return sa.Column("custom", Json, nullable=False, server_default="{}")


def extend_table(
    op: "Operations",
    name: str,
    *columns: sa.Column[Any],
    references: Mapping[str, str] | None = None,
    checks: Mapping[str, str] | None = None,
) -> None:
    """Add columns to a table that has rows: {column: table it refers to}, {short name of a check: its condition}.

    A required column needs a `server_default`. On SQLite the table is made anew with all that hangs on it, because a
    composite key cannot be added to one that is there.
    """
    if is_postgresql(op):
        for item in columns:
            op.add_column(name, item)
        for column_name, target in (references or {}).items():
            key = op.f(f"fk_{name}_organization_id_{column_name}")
            op.create_foreign_key(key, name, target, ["organization_id", column_name], ["organization_id", "id"])
        for check, condition in (checks or {}).items():
            op.create_check_constraint(op.f(f"ck_{name}_{check}"), name, condition)
        return
    first, last = _definitions(op, name, columns, references or {}, checks or {})
    _remake(op, name, lambda made: f"{made.replace('(', f'({first}', 1).rstrip()[:-1].rstrip()}{last})")


def shrink_table(
    op: "Operations",
    name: str,
    *columns: sa.Column[Any],
    references: Mapping[str, str] | None = None,
    checks: Mapping[str, str] | None = None,
) -> None:
    """Take back what `extend_table` did with the same arguments."""
    if is_postgresql(op):
        for check in checks or {}:
            op.drop_constraint(op.f(f"ck_{name}_{check}"), name)
        for item in columns:
            op.drop_column(name, item.name)
        return
    first, last = _definitions(op, name, columns, references or {}, checks or {})
    gone = {item.name for item in columns}
    _remake(op, name, lambda made: made.replace(f"({first}", "(", 1).replace(f"{last})", ")", 1), without=gone)


def drop_organization_key(op: "Operations", name: str) -> None:
    """Drop the foreign key of a table to its organization, which another key of the table holds as well."""
    if is_postgresql(op):
        op.drop_constraint(op.f(f"fk_{name}_organization_id"), name, type_="foreignkey")
    else:
        _remake(op, name, lambda made: re.sub(rf",\s*{re.escape(_organization_key(name))}", "", made))


def make_organization_key(op: "Operations", name: str) -> None:
    """Take back what `drop_organization_key` did."""
    if is_postgresql(op):
        op.create_foreign_key(op.f(f"fk_{name}_organization_id"), name, "organizations", ["organization_id"], ["id"])
    else:
        _remake(op, name, lambda made: made.replace("CONSTRAINT ", f"{_organization_key(name)}, CONSTRAINT ", 1))


def _organization_key(table: str) -> str:
    key = f"fk_{table}_organization_id"
    return f"CONSTRAINT {key} FOREIGN KEY(organization_id) REFERENCES organizations (id)"


def _definitions(
    op: "Operations",
    name: str,
    columns: tuple[sa.Column[Any], ...],
    references: Mapping[str, str],
    checks: Mapping[str, str],
) -> tuple[str, str]:
    """Return what stands before the other columns of a definition, and what stands behind its constraints."""
    table = sa.Table(name, sa.MetaData(), *columns)
    dialect = op.get_bind().dialect
    compiler: Any = dialect.ddl_compiler(dialect, None)  # type: ignore[arg-type] # fragments need no statement
    made = [f"{compiler.get_column_specification(item)}, " for item in table.columns]
    rules = [f", CONSTRAINT ck_{name}_{check} CHECK ({condition})" for check, condition in checks.items()]
    rules += [
        f", CONSTRAINT fk_{name}_organization_id_{item} "
        f"FOREIGN KEY(organization_id, {item}) REFERENCES {target} (organization_id, id)"
        for item, target in references.items()
    ]
    return "".join(made), "".join(rules)


def _remake(op: "Operations", name: str, edit: Callable[[str], str], without: set[str] | None = None) -> None:
    """Make an SQLite table anew from its edited definition, with its rows, indexes, triggers and counter.

    Source: the twelve steps of https://www.sqlite.org/lang_altertable.html#otheralter; foreign keys are off already.
    """
    link = op.get_bind()
    master = sa.text("SELECT type, sql FROM sqlite_master WHERE tbl_name = :name AND sql IS NOT NULL")
    parts = [(kind, sql) for kind, sql in link.execute(master, {"name": name})]
    made = next(sql for kind, sql in parts if kind == "table")
    names = [row[1] for row in link.execute(sa.text(f"PRAGMA table_info({name})"))]
    kept = ", ".join(column_name for column_name in names if column_name not in (without or set()))
    last = link.scalar(sa.text("SELECT seq FROM sqlite_sequence WHERE name = :name"), {"name": name})
    op.execute(
        edit(made)
        .replace(f"CREATE TABLE {name}", "CREATE TABLE remade_", 1)
        .replace(f'CREATE TABLE "{name}"', "CREATE TABLE remade_", 1)
    )
    op.execute(f"INSERT INTO remade_ ({kept}) SELECT {kept} FROM {name}")
    op.execute(f"DROP TABLE {name}")
    op.execute(f"ALTER TABLE remade_ RENAME TO {name}")
    if last is not None:
        link.execute(sa.text("UPDATE sqlite_sequence SET seq = :last WHERE name = :name"), {"last": last, "name": name})
    for kind, sql in parts:
        if kind in ("index", "trigger"):
            op.execute(sa.text(sql.replace(":", "\\:")))
