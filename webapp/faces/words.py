"""The words of pages, found quickly: a page asks for some hundred, and draws what only they change once a language."""

from functools import lru_cache
from typing import Any

from babel.support import NullTranslations, Translations
from flask import Flask, current_app, g
from flask_babel import Domain
from jinja2.nodes import EvalContext
from jinja2.runtime import Macro
from jinja2.utils import pass_eval_context
from markupsafe import Markup

Catalog = Translations | NullTranslations


class Words(Domain):
    """The messages of the program, with the reader's catalog looked up once a request instead of once a word."""

    def get_translations(self) -> Catalog:
        """Return the catalog of the reader's language; flask_babel drops what is kept here when that changes."""
        known = g.get("_flask_babel") if g else None
        found: Catalog | None = getattr(known, "babel_translations", None)
        if found is None:
            found = super().get_translations()
            if g:
                g._flask_babel.babel_translations = found
        return found


WORDS = Words()


@lru_cache(maxsize=10_000)
def _marked(catalog: Catalog, message: str) -> Markup:
    return Markup(catalog.ugettext(message))  # noqa: S704 our own words, as Jinja's i18n extension takes them


@pass_eval_context
def say(evaluated: EvalContext, message: str, **values: Any) -> str:
    """Return a message in the reader's language; every one is a format string, whose values are escaped in HTML."""
    said = _marked(WORDS.get_translations(), message)
    return said % values if evaluated.autoescape else str(said) % values


@lru_cache(maxsize=500)
def _drawn(_catalog: Catalog, macro: Macro, *arguments: Any) -> Markup:
    return Markup(macro(*arguments))  # noqa: S704 a macro's output is markup


def drawn_once(macro: Macro, *arguments: Any) -> Markup:
    """Return a macro's markup, drawn once for each language and arguments: for one that looks at nothing else."""
    if current_app.debug:
        return Markup(macro(*arguments))  # noqa: S704 a macro's output is markup
    return _drawn(WORDS.get_translations(), macro, *arguments)


def init_app(app: Flask) -> None:
    """Let `_` of Python and of templates go this way, and give templates `drawn_once`."""
    app.extensions["babel"].instance.domain_instance = WORDS
    known: dict[str, Any] = {"_": say, "gettext": say, "drawn_once": drawn_once}
    app.jinja_env.globals.update(known)
