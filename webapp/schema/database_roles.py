"""The roles of PostgreSQL: an owner that migrates, a role that runs and can see no more than one organization (D2)."""

import secrets
from dataclasses import dataclass

from psycopg import Connection, connect, sql
from sqlalchemy import Engine, make_url, text

from webapp.schema.tenancy_ddl import RUNTIME_ROLE

EXTENSIONS = ("pg_trgm", "btree_gin")
PASSWORD_BYTES = 24


class WrongRole(RuntimeError):
    """The application was told to run as a role that could look over the walls."""


def check_runtime_role(engine: Engine) -> None:
    """Raise WrongRole when we are connected as a superuser, as the owner of the tables, or may bypass policies."""
    if engine.dialect.name != "postgresql":
        return
    with engine.connect() as connection:
        name, is_superuser, bypasses = connection.execute(
            text("SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")
        ).one()
        owns = connection.execute(
            text(
                "SELECT EXISTS (SELECT 1 FROM pg_class WHERE relname = 'organizations' AND relkind = 'r'"
                " AND pg_has_role(current_user, relowner, 'MEMBER'))"
            )
        ).scalar_one()
    for wrong, why in (
        (is_superuser, "is a superuser"),
        (bypasses, "may bypass row-level security"),
        (owns, "owns the tables"),
    ):
        if wrong:
            raise WrongRole(
                f"DATABASE_URL connects as {name}, which {why}: the walls between organizations would not hold."
                " `flask database prepare --admin-url …` makes the right roles."
            )


@dataclass
class Prepared:
    """What `prepare` found or made; `migration_url` is the administrator acting as the owner."""

    owner_url: str
    runtime_url: str
    migration_url: str
    made: list[str]
    kept: list[str]


def prepare(admin_url: str, name: str, *, reset_passwords: bool = False) -> Prepared:
    """Make the group role, owner, run-time role and database that are missing.

    Roles that exist keep their passwords, which nobody can read, unless they are to be reset; the URLs then have none.
    The database belongs to the owner; besides, only roles that run may connect.
    """
    url = make_url(admin_url)
    owner, runtime = f"{name}_owner", f"{name}_app"
    made: list[str] = []
    kept: list[str] = []
    passwords: dict[str, str | None] = {}
    admin = url.set(drivername="postgresql").render_as_string(hide_password=False)
    with connect(admin, autocommit=True) as connection:
        _role(connection, RUNTIME_ROLE, made, kept)
        for role in (owner, runtime):
            passwords[role] = _login(connection, role, made, kept, reset_passwords)
        connection.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(RUNTIME_ROLE), sql.Identifier(runtime)))
        _database(connection, name, owner, made, kept)
        connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))
        connection.execute(
            sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(sql.Identifier(name), sql.Identifier(RUNTIME_ROLE))
        )
    inside = url.set(drivername="postgresql", database=name).render_as_string(hide_password=False)
    with connect(inside, autocommit=True) as connection:
        for extension in EXTENSIONS:
            connection.execute(sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(extension)))
        connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        connection.execute(sql.SQL("GRANT ALL ON SCHEMA public TO {}").format(sql.Identifier(owner)))
        connection.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(sql.Identifier(RUNTIME_ROLE)))
    at = url.set(drivername="postgresql", database=name)
    urls = [
        at.set(username=role, password=passwords[role]).render_as_string(hide_password=False)
        for role in (owner, runtime)
    ]
    as_owner = url.set(drivername="postgresql+psycopg", database=name).update_query_dict(
        {"options": f"-c role={owner}"}
    )
    return Prepared(urls[0], urls[1], as_owner.render_as_string(hide_password=False), made, kept)


def _exists(connection: Connection, query: str, name: str) -> bool:
    return connection.execute(query, (name,)).fetchone() is not None


def _role(connection: Connection, name: str, made: list[str], kept: list[str]) -> None:
    if _exists(connection, "SELECT 1 FROM pg_roles WHERE rolname = %s", name):
        kept.append(f"role {name}")
        return
    connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(name)))
    made.append(f"role {name}")


def _login(connection: Connection, name: str, made: list[str], kept: list[str], reset: bool) -> str | None:
    """Make a role that logs in; return its password, None when it has one already that stays."""
    exists = _exists(connection, "SELECT 1 FROM pg_roles WHERE rolname = %s", name)
    if exists and not reset:
        kept.append(f"role {name}")
        return None
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    verb = sql.SQL("ALTER" if exists else "CREATE")
    connection.execute(
        sql.SQL("{} ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD {}").format(
            verb, sql.Identifier(name), sql.Literal(password)
        )
    )
    made.append(f"{'new password of' if exists else 'role'} {name}")
    return password


def _database(connection: Connection, name: str, owner: str, made: list[str], kept: list[str]) -> None:
    if _exists(connection, "SELECT 1 FROM pg_database WHERE datname = %s", name):
        kept.append(f"database {name}")
        return
    connection.execute(sql.SQL("GRANT {} TO CURRENT_USER").format(sql.Identifier(owner)))
    connection.execute(
        sql.SQL("CREATE DATABASE {} OWNER {} ENCODING 'UTF8' TEMPLATE template0").format(
            sql.Identifier(name), sql.Identifier(owner)
        )
    )
    made.append(f"database {name}")
