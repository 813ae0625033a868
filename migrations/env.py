"""Run migrations: on PostgreSQL as the owner, on SQLite with foreign keys off while tables are remade."""

from datetime import UTC, datetime
from typing import Any

from alembic import context
from flask import current_app, has_app_context
from sqlalchemy import Connection, create_engine, event, pool

import config
from webapp.core.database import Base

# Any number that is always the same: two migrations must not run at once.
LOCK = 7_205_759_403
# The names SQLite's full-text tables add, and what models never declare.
UNDECLARED = ("_search", "_search_config", "_search_content", "_search_data", "_search_docsize", "_search_idx")


def target_url() -> str:
    """Return the URL to migrate: the caller's, else the owner's, else the one database URL there is."""
    if url := context.config.attributes.get("url"):
        return str(url)
    settings = current_app.config if has_app_context() else config.load()
    return str(settings["DATABASE_OWNER_URL"] or settings["SQLALCHEMY_DATABASE_URI"])


def include_name(name: str | None, kind: str, _parents: Any) -> bool:
    """Leave out of comparisons what migrations make by hand."""
    return not (kind in {"table", "index"} and name is not None and name.endswith(UNDECLARED))


def name_revision(_context: Any, _revision: Any, directives: list[Any]) -> None:
    """Name a new revision by its minute."""
    directives[0].rev_id = datetime.now(UTC).strftime("%Y%m%d_%H%M")


def prepare_sqlite(engine: Any) -> None:
    """Begin transactions ourselves, so that DDL is part of them, with foreign keys off before the first."""

    @event.listens_for(engine, "connect")
    def connected(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "foreign_keys=OFF", "synchronous=FULL", "busy_timeout=20000"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def check_foreign_keys(connection: Connection) -> None:
    """Stop before the commit when a migration has left a row that points nowhere."""
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(5)
    if broken:
        raise RuntimeError(f"the migration breaks foreign keys: {[tuple(row) for row in broken]}")


def run() -> None:
    """Run the migrations in one transaction."""
    engine = create_engine(target_url(), poolclass=pool.NullPool)
    on_sqlite = engine.dialect.name == "sqlite"
    if on_sqlite:
        prepare_sqlite(engine)
    with engine.begin() as connection:
        if not on_sqlite:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            include_name=include_name,
            process_revision_directives=name_revision,
            compare_type=True,
            render_as_batch=False,
            transactional_ddl=True,
        )
        with context.begin_transaction():
            context.run_migrations()
        if on_sqlite:
            check_foreign_keys(connection)
        else:
            show_version(connection)
    engine.dispose()


def show_version(connection: Connection) -> None:
    """Let the run-time role see which version the database is at."""
    if connection.exec_driver_sql("SELECT 1 FROM pg_roles WHERE rolname = 'quartermaster_runtime'").scalar():
        connection.exec_driver_sql("GRANT SELECT ON alembic_version TO quartermaster_runtime")


if context.is_offline_mode():
    raise SystemExit("migrations look at the database they change: there is no offline mode")
run()
