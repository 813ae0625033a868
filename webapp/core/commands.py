"""Commands of the machinery: the worker, and the proof that the log is whole."""

import sys

import click
from flask import Flask, current_app
from flask.cli import with_appcontext

from webapp.core import identity, seals
from webapp.core.tenancy import new_session
from webapp.core.worker import run_worker, seal_all


def init_app(app: Flask) -> None:
    """Add the commands."""
    app.cli.add_command(worker)
    app.cli.add_command(activity)


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
