"""The state of a list as its URL has it: every view is a link."""

from typing import Any
from urllib.parse import urlencode

from flask import request, url_for
from werkzeug.datastructures import MultiDict

from webapp.core.access import can
from webapp.core.context import Context
from webapp.core.errors import Forbidden, Invalid
from webapp.core.parameters import ListParameters
from webapp.core.resource import Resource


class ListState:
    """The state of a list as its URL has it."""

    def __init__(self, resource: Resource, values: "MultiDict[str, str]") -> None:
        self.resource = resource
        self.base = url_for(f"{resource.name}.index")
        self.values = {name: ",".join(v for v in values.getlist(name) if v) for name in values if name != "panel"}
        self.values = {name: value for name, value in self.values.items() if value}
        self.dropped: list[str] = []
        self.parameters = self._parse()

    def _parse(self) -> ListParameters:
        """Return the parameters, without the ones that make no sense; those are told."""
        try:
            return ListParameters.parse(self.resource, MultiDict(self.values))
        except Invalid as error:
            for name, messages in error.errors.items():
                self.dropped.append(f"{name}: {' '.join(messages)}")
                self.values.pop(name, None)
            return ListParameters.parse(self.resource, MultiDict(self.values))

    def url(self, *, base: str | None = None, **changes: Any) -> str:
        """Return the URL of this list with some of its state changed; None takes it out; the page starts over."""
        values = {**self.values, "page": None, **changes}
        kept = {name: value for name, value in values.items() if value not in (None, "")}
        query = urlencode(kept, safe=",")
        return f"{base or self.base}?{query}" if query else base or self.base

    def hidden(self, *without: str) -> list[tuple[str, str]]:
        """Return the state as hidden fields of a form."""
        return [(name, value) for name, value in self.values.items() if name not in ("page", *without)]


def state_of(context: Context, resource: Resource) -> ListState:
    """Return the state that the URL asks for; the deleted ones only for those who may restore them."""
    state = ListState(resource, request.args)
    if state.parameters.deleted and not can(context.actor, resource.write_permission):
        raise Forbidden("the deleted ones are for those who may restore them")
    return state
