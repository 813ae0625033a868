"""What an export is asked for: a list's own query string, kept in one spelling and parsed anew each time it runs."""

from collections.abc import Sequence
from urllib.parse import parse_qsl, urlencode

from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from webapp.core.errors import Invalid
from webapp.core.parameters import ListParameters
from webapp.core.resource import Resource

OF_A_PAGE = frozenset({"page", "per_page", "cursor", "view", "panel"})
"""What says which part of a list a page shows: an export has all of it."""


def kept_query(query: str | None) -> tuple[str | None, list[str]]:
    """Return (query, fields) of a query string: sorted, without its page; None when it asks for nothing.

    Raises ValueError for a text that is no query string.
    """
    text = (query or "").strip().removeprefix("?")
    pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True, max_num_fields=200) if text else []
    fields = [name for key, value in pairs if key == "fields" for name in value.split(",") if name]
    kept = sorted((key, value) for key, value in pairs if value and key not in OF_A_PAGE and key != "fields")
    return urlencode(kept, safe=",") or None, fields


def parameters_of(resource: Resource, query: str | None, fields: Sequence[str]) -> ListParameters:
    """Return what a kept query asks of a list; raises Invalid naming `query` or `fields` with a sentence."""
    values = MultiDict(parse_qsl(query or "", keep_blank_values=True))
    if fields:
        values.setlist("fields", [",".join(fields)])
    try:
        return ListParameters.parse(resource, values)
    except Invalid as error:
        wrong: dict[str, list[str]] = {}
        for name, messages in error.errors.items():
            if name == "fields":
                wrong.setdefault(name, []).extend(messages)
            else:
                said = _("“%(name)s”: %(words)s", name=name, words=" ".join(messages))
                wrong.setdefault("query", []).append(said)
        raise Invalid(wrong) from None
