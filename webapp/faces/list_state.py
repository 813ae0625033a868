"""The state of a list as its URL has it: every view is a link."""

import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from functools import cached_property, lru_cache
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from babel.numbers import NumberFormatError, parse_decimal
from flask import request, url_for
from flask_babel import get_locale
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from webapp.core.access import can
from webapp.core.activity import plain
from webapp.core.context import Context
from webapp.core.errors import Forbidden, Invalid
from webapp.core.parameters import ListParameters, filter_parameters
from webapp.core.resource import Resource
from webapp.faces.saved_views import canonical, values_of
from webapp.faces.surface import number_in

OWN = frozenset({"panel", "view"})


class ListState:
    """The state of a list as its URL has it; `view` is the saved view that it started from."""

    def __init__(self, context: Context, resource: Resource, values: "MultiDict[str, str]") -> None:
        self.resource = resource
        self.base = url_for(f"{resource.name}.index")
        self.zone = ZoneInfo(context.actor.timezone or context.tenant.timezone)
        self.values = {name: ",".join(v for v in values.getlist(name) if v) for name in values if name not in OWN}
        self.values = {name: value for name, value in self.values.items() if value}
        self.dropped: list[str] = []
        self.view_id = number_in(values, "view") or None
        self._keep_known_fields()
        self.parameters = self._parse()

    def _keep_known_fields(self) -> None:
        """Leave out the columns that are no longer there; those are told."""
        wanted = [name.strip() for name in self.values.get("fields", "").split(",") if name.strip()]
        for name in wanted:
            if name not in self.resource.fields:
                self.dropped.append(_("There is no field %(name)s.", name=name))
        kept = ",".join(dict.fromkeys(name for name in wanted if name in self.resource.fields))
        self.values = {n: v for n, v in (self.values | {"fields": kept}).items() if v}

    def _parse(self) -> ListParameters:
        """Return the parameters, without the ones that make no sense; those are told."""
        try:
            return ListParameters.parse(self.resource, self._asked())
        except Invalid as error:
            for name, messages in error.errors.items():
                self.dropped.append(f"{name}: {' '.join(messages)}")
                self.values.pop(name, None)
            return ListParameters.parse(self.resource, self._asked())

    def _asked(self) -> "MultiDict[str, str]":
        """Return the values as the engine takes them: a bare day is the reader's, a number may be written their way."""
        known = filter_parameters(self.resource)
        asked = MultiDict(self.values)
        for name, value in self.values.items():
            field, op = known.get(name, ("", ""))
            kind = self.resource.fields[field].kind if field else ""
            if kind == "moment" and len(value) == 10:
                asked[name] = _edge_of_day(value, op, self.zone)
            elif kind in {"amount", "number", "whole"} and op not in ("in", "empty"):
                asked[name] = _written_plainly(value)
        return asked

    @cached_property
    def query(self) -> str:
        """Return the one query string that says this state."""
        return canonical(_but_usual_sort(self.values, self.resource.sort))

    @cached_property
    def asked_query(self) -> str:
        """Return the query string of this state as the engine takes it, whoever the reader is."""
        return canonical(self._asked())

    def says(self, query: str) -> bool:
        """Tell whether a saved query string comes to this state."""
        return self.query == _said(query, self.resource.sort)

    def url(self, *, base: str | None = None, **changes: Any) -> str:
        """Return the URL of this list with some of its state changed; None takes it out; the page starts over."""
        values = {**self.values, "page": None, "view": self.view_id, **changes}
        kept = {name: value for name, value in values.items() if value not in (None, "")}
        query = urlencode(kept, safe=",")
        return f"{base or self.base}?{query}" if query else base or self.base

    def hidden(self, *without: str) -> list[tuple[str, str]]:
        """Return the state as hidden fields of a form."""
        own = {**self.values, **({"view": str(self.view_id)} if self.view_id else {})}
        return [(name, value) for name, value in own.items() if name not in ("page", *without)]


def _but_usual_sort(values: Mapping[str, str], sort: str) -> dict[str, str]:
    return {name: value for name, value in values.items() if (name, value) != ("sort", sort)}


@lru_cache(maxsize=2_000)
def _said(query: str, sort: str) -> str:
    return canonical(_but_usual_sort(values_of(query), sort))


def _edge_of_day(text: str, op: str, zone: ZoneInfo) -> str:
    """Return the last moment of a day for "after", its first one otherwise; what is no day stays as it is."""
    try:
        day = date.fromisoformat(text)
        first = datetime.combine(day, time.min, zone)
        last = datetime.combine(day + timedelta(days=1), time.min, zone) - timedelta(milliseconds=1)
        return str(plain((last if op == "after" else first).astimezone(ZoneInfo("UTC"))))
    except (ValueError, OverflowError):
        return text


def _written_plainly(text: str) -> str:
    """Return a number that was written in the reader's way ("1.250,50") as the engine reads it; else as it is."""
    if re.fullmatch(r"-?\d+(\.\d+)?", text):
        return text
    try:
        return str(parse_decimal(text, locale=get_locale() or "en", strict=True))
    except NumberFormatError:
        return text


def state_of(context: Context, resource: Resource) -> ListState:
    """Return the state that the URL asks for; the deleted ones only for those who may restore them."""
    state = ListState(context, resource, request.args)
    if state.parameters.deleted and not can(context.actor, resource.write_permission):
        raise Forbidden("the deleted ones are for those who may restore them")
    return state
