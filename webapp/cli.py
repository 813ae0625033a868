"""Commands about the installation as a whole; features bring their own."""

import click
from flask import Flask

from webapp.schema.database_roles import prepare
from webapp.schema.migrate import upgrade


def init_app(app: Flask) -> None:
    """Add the commands."""
    app.cli.add_command(database)


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
