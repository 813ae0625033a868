"""Commands of the demo organization."""

import click
from flask import Flask
from flask.cli import with_appcontext

from webapp.accounts.cli import bring_up_to_date


def init_app(app: Flask) -> None:
    """Add the commands."""
    app.cli.add_command(demo)


@click.group()
def demo() -> None:
    """A believable organization to look around in."""


@demo.command("load")
@click.option("--assets", default=400, show_default=True, type=click.IntRange(50, 100_000), help="How many assets.")
@with_appcontext
def load(assets: int) -> None:
    """Make the demo organization, once, and print how to sign in."""
    from webapp.demo.loader import SENTENCE, load_demo  # a year of happenings, which no other process needs

    bring_up_to_date()
    if not load_demo(assets, lambda words: click.echo(words, err=True)):
        click.echo("The demo organization is there already; nothing was loaded.", err=True)
    click.echo(SENTENCE)
