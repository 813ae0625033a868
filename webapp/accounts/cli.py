"""What is done to accounts from the command line."""

from typing import Any

import click
from flask import Flask, current_app
from flask.cli import with_appcontext

from webapp.accounts.founding import Founding, found_organization
from webapp.accounts.rules import create_api_key, remember_user
from webapp.core import identity
from webapp.core.access import permissions_of
from webapp.core.context import Actor, make_context
from webapp.core.errors import DomainError
from webapp.core.identity_proofs import replace_recovery_codes, set_factor
from webapp.core.tenancy import new_session
from webapp.schema.migrate import NotMigrated, ensure_current


def init_app(app: Flask) -> None:
    """Add the commands."""
    app.cli.add_command(create_organization)
    app.cli.add_command(create_key)
    app.cli.add_command(reset_second_factor)


def bring_up_to_date() -> None:
    """Migrate the database where we may, as `bin/run` would; raise ClickException where we may not."""
    try:
        ensure_current(current_app.config["SQLALCHEMY_DATABASE_URI"], current_app.config["DATABASE_OWNER_URL"])
    except NotMigrated as error:
        raise click.ClickException(str(error)) from error


@click.command("create-organization")
@click.argument("name")
@click.option("--admin-email", required=True)
@click.option("--admin-password", prompt=True, hide_input=True, confirmation_prompt=True)
@click.option("--admin-name", default="")
@click.option("--currency", default="EUR", show_default=True)
@click.option("--timezone", default="UTC", show_default=True)
@click.option("--locale", default="en_GB", show_default=True)
@with_appcontext
def create_organization(**typed: Any) -> None:
    """Make an organization with its owner; prints the slug."""
    bring_up_to_date()
    try:
        context = found_organization(Founding(**typed))
    except DomainError as error:
        raise click.ClickException(error.message or str(error)) from error
    click.echo(context.tenant.slug)


@click.command("create-api-key")
@click.option("--organization", "slug", required=True, help="The organization's slug.")
@click.option("--name", required=True)
@click.option("--dialect", default="native", show_default=True)
@click.option("--scopes", default="*", help='Names of permissions, such as "assets:read assets:write"; all by default.')
@with_appcontext
def create_key(slug: str, name: str, dialect: str, scopes: str) -> None:
    """Make an API key; prints the key alone, this once."""
    bring_up_to_date()
    tenant = identity.organization_by_slug(slug)
    if tenant is None:
        raise click.ClickException(f"there is no organization {slug}")
    actor = Actor(name="command line", role="owner", permissions=permissions_of("owner"), face="cli")
    with new_session(tenant.id, write=True) as session:
        context = make_context(session, tenant, actor)
        try:
            _key, token = create_api_key(context, name, scopes.replace(",", " ").split(), dialect=dialect)
        except DomainError as error:
            raise click.ClickException(error.message or str(error)) from error
        session.commit()
    click.echo(token)


@click.command("reset-second-factor")
@click.option("--email", required=True, help="Whose second factor is lost.")
@with_appcontext
def reset_second_factor(email: str) -> None:
    """Drop the second factor of an account, and its sessions; every organization of theirs has it in its history."""
    bring_up_to_date()
    user = identity.find_user(email)
    if user is None:
        raise click.ClickException(f"there is no account {email}")
    set_factor(user["id"], None)
    replace_recovery_codes(user["id"], [])
    identity.close_sessions(user["id"])
    actor = Actor(name="command line", role="owner", permissions=permissions_of("owner"), face="cli")
    for tenant, _role in identity.memberships(user["id"]):
        with new_session(tenant.id, write=True) as session:
            remember_user(make_context(session, tenant, actor), user["id"], "SecondFactorReset")
            session.commit()
    click.echo(user["email"])
