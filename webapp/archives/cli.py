"""Archives from the command line."""

import uuid
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

import click
from flask import Flask
from flask.cli import with_appcontext
from sqlalchemy.orm import Session

from webapp.accounts.cli import bring_up_to_date
from webapp.accounts.passwords import hash_password
from webapp.accounts.rules import person_faults
from webapp.archives.incoming import Owner
from webapp.archives.jobs import bring_in
from webapp.archives.outgoing import write_archive
from webapp.core import identity
from webapp.core.errors import DomainError


def init_app(app: Flask) -> None:
    """Add the commands."""
    app.cli.add_command(archive)


@click.group()
def archive() -> None:
    """Carry an organization from here to there, as one file."""


@archive.command("export")
@click.option("--organization", "slug", required=True, help="The organization's slug.")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@with_appcontext
def export_archive(slug: str, file: Path) -> None:
    """Write an organization into FILE, for its owner's eyes; says how many rows and files that are."""
    bring_up_to_date()
    tenant = identity.organization_by_slug(slug)
    if tenant is None:
        raise click.ClickException(f"there is no organization {slug}")
    draft = file.with_name(f".{file.name}.{uuid.uuid4().hex}")
    try:
        draft.touch(mode=0o600, exist_ok=False)
        with draft.open("r+b") as target:
            written = write_archive(tenant, target)
        draft.replace(file)
    except OSError as error:
        raise click.ClickException(str(error)) from error
    finally:
        draft.unlink(missing_ok=True)
    click.echo(f"{sum(written.rows.values())} rows, {written.files} files")


@archive.command("import")
@click.argument("file", type=click.File("rb"))
@click.option("--owner", "email", required=True, help="Whose the new organization is to be.")
@click.option("--owner-password", default="", help="For an owner who has no account here yet; asked for otherwise.")
@click.option("--name", default="", help="Another name for the organization.")
@with_appcontext
def import_archive(file: BinaryIO, email: str, owner_password: str, name: str) -> None:
    """Make a new organization of the archive FILE; prints its slug."""
    bring_up_to_date()
    email, known = email.strip(), identity.find_user(email)
    if known is None and not owner_password:
        owner_password = click.prompt("Password", hide_input=True, confirmation_prompt=True)

    def owner(session: Session) -> Owner:
        if known is not None:
            return Owner(int(known["id"]), str(known["name"]), str(known["email"]), "cli")
        return _sign_up(session, email, owner_password)

    faults = person_faults("", "", email, owner_password) if known is None else {}
    if faults:
        raise click.ClickException("; ".join(str(message) for found in faults.values() for message in found))
    try:
        with closing(file):
            made = bring_in(file, Path(file.name).name, owner, guid=str(uuid.uuid4()), name=name)
    except DomainError as error:
        raise click.ClickException(error.message or str(error)) from error
    click.echo(made.slug)


def _sign_up(session: Session, email: str, password: str) -> Owner:
    """Make an account in the transaction that makes the organization."""
    name = email.partition("@")[0]
    connection, digest = session.connection(), hash_password(password)
    user_id = identity.create_user(email=email, name=name, password_hash=digest, connection=connection)
    if user_id is None:
        raise click.ClickException(f"somebody has just taken {email}")
    return Owner(user_id, name, email, "cli")
