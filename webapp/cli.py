"""Commands about the installation as a whole, its worker and its log; features bring their own."""

import sys

import click
from flask import Flask, current_app
from flask.cli import with_appcontext

from webapp.core import identity, seals
from webapp.core.tenancy import new_session
from webapp.core.worker import run_worker, seal_all
from webapp.schema.database_roles import prepare
from webapp.schema.migrate import upgrade


def init_app(app: Flask) -> None:
    """Add the commands."""
    for command in (database, worker, activity):
        app.cli.add_command(command)


@click.group()
def database() -> None:
    """Look after the database."""


@database.command("prepare")
@click.option("--admin-url", required=True, help="postgresql://… of somebody who may make roles and databases.")
@click.option("--name", default="quartermaster", show_default=True, help="The database; also the roles' first part.")
@click.option("--reset-passwords", is_flag=True, help="Give roles that exist new passwords.")
def prepare_database(admin_url: str, name: str, reset_passwords: bool) -> None:
    """Make roles, database and tables on PostgreSQL; prints both URLs. May be run again."""
    prepared = prepare(admin_url, name, reset_passwords=reset_passwords)
    upgrade(prepared.migration_url)
    for made in prepared.made:
        click.echo(f"made: {made}", err=True)
    for kept in prepared.kept:
        click.echo(f"was there: {kept}", err=True)
    if any(kept.startswith("role ") and kept.endswith(("_owner", "_app")) for kept in prepared.kept):
        click.echo("Passwords that were there cannot be shown; --reset-passwords makes new ones.", err=True)
    click.echo(f"DATABASE_OWNER_URL={prepared.owner_url}")
    click.echo(f"DATABASE_URL={prepared.runtime_url}")


@click.command("worker")
@with_appcontext
def worker() -> None:
    """Serve background jobs until told to stop."""
    run_worker(current_app._get_current_object())  # type: ignore[attr-defined] # threads need the app itself


@click.group()
def activity() -> None:
    """Look after the activity log."""


@activity.command("verify")
@with_appcontext
def verify() -> None:
    """Check every organization's chain of seals: ok, or the first bad row and exit code 1."""
    seal_all()
    for organization_id in identity.organization_ids():
        with new_session(organization_id, write=False) as session:
            fault = seals.first_fault(session)
        if fault:
            click.echo(f"organization {organization_id}: {fault}")
            sys.exit(1)
    click.echo("ok")
