"""Commands about assets: the demo organization."""

import click
from flask import Flask
from flask.cli import with_appcontext

from webapp.assets.demo import load_demo


def init_app(app: Flask) -> None:
    """Add the commands."""
    app.cli.add_command(demo)


@click.group()
def demo() -> None:
    """A small believable organization to look around in."""


@demo.command("load")
@with_appcontext
def load() -> None:
    """Make the demo organization, once, and print how to sign in."""
    click.echo(load_demo())
