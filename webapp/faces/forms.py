"""Forms made from a resource's schema: WTForms draws and collects, marshmallow alone decides what is right (D10)."""

import json
import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.numbers import NumberFormatError, format_decimal, parse_decimal
from flask import url_for
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from markupsafe import Markup
from marshmallow import Schema, ValidationError, missing
from werkzeug.datastructures import MultiDict
from wtforms import Field, HiddenField, SelectField, SelectMultipleField, StringField, TextAreaField
from wtforms.fields import SelectChoice
from wtforms.widgets import CheckboxInput, html_params

from webapp.core.access import can
from webapp.core.context import Context
from webapp.core.custom import standard_of
from webapp.core.errors import Invalid
from webapp.core.fields import Choice, Codes, FaceField, Text, schema_fields
from webapp.core.naming import labels_in_reach
from webapp.core.query import choices as choices_of
from webapp.core.resource import Action, Resource, registry
from webapp.faces.own_fields import chosen_product, own_groups

Row = Mapping[str, Any]
MOST_CHOICES = 200
OWN = frozenset({"csrf_token", "version", "nonce", "base", "drawn", "apply", "ids", "step", "query"})
WIDTHS = {"longtext": "col-12", "amount": "col-md-4", "number": "col-md-4", "day": "col-md-4", "whole": "col-md-4"}
INPUTS = {
    "day": {"type": "date"},
    "moment": {"type": "datetime-local"},
    "whole": {"inputmode": "numeric"},
    "url": {"inputmode": "url"},
}


@dataclass
class Face:
    """What the template knows of a field beside what WTForms knows."""

    help: Any = None
    suffix: Any = None
    width: str = "col-md-6"
    mono: bool = False
    numeric: bool = False
    remote: str | None = None


@dataclass
class FieldGroup:
    """Fields under one heading; `own` when they are the organization's."""

    label: Any
    own: bool = False
    fields: list[Field] = field(default_factory=list)


class FlagField(Field):
    """A tick box that also sends that it was there, so that no tick means no."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Take the last value: the box comes after the hidden marker."""
        if valuelist:
            self.data = valuelist[-1]

    def __call__(self, **kwargs: Any) -> Markup:
        """Draw the marker and the box."""
        marker = Markup("<input {}>").format(Markup(html_params(type="hidden", name=self.name, value="false")))  # noqa: S704 escaped
        kwargs.pop("required", None)
        drawn: Markup = marker + CheckboxInput()(self, checked=self.data == "true", **{**kwargs, "value": "true"})
        return drawn

    def _value(self) -> str:
        return "true"


class CodesField(SelectMultipleField):
    """Several of a set of codes; the marker makes none of them sendable too."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Take what was sent; a form without the field says nothing of it."""
        if valuelist:
            super().process_formdata(valuelist)

    def __call__(self, **kwargs: Any) -> Markup:
        """Draw the marker and the select."""
        marker = Markup("<input {}>").format(Markup(html_params(type="hidden", name=self.name, value="")))  # noqa: S704 escaped
        options = {"data-typeahead-local": True, "aria-label": self.label.text, **kwargs}
        drawn: Markup = marker + super().__call__(**options)
        return drawn


class ResourceForm(FlaskForm):
    """A form over a schema's writable fields; texts are what was typed, never what became of it."""

    version = HiddenField()
    nonce = HiddenField()
    base = HiddenField()

    context: Context
    items: dict[str, FaceField]
    groups: list[FieldGroup]
    applied: frozenset[str] = frozenset()
    beyond: frozenset[str] = frozenset()
    also_drawn: str = ""
    redraws_by: str | None = None
    own_texts: Mapping[str, Any] = MappingProxyType({})

    def face_fields(self) -> Iterable[tuple[str, FaceField, Field]]:
        """Yield (name, schema field, form field) of what is drawn."""
        for name, item in self.items.items():
            yield name, item, self[name]

    def texts(self) -> dict[str, Any]:
        """Return {name: text or list of texts} as it stands in the form now."""
        return {name: bound.data for name, _item, bound in self.face_fields()}

    def drawn_with(self) -> dict[str, Any]:
        """Return {name: text} that the form was drawn with, as it came back."""
        drawn: dict[str, Any] = {}
        for text in (self.base.data, self.also_drawn):
            try:
                found = json.loads(text or "{}")
            except ValueError:
                continue
            drawn |= found if isinstance(found, dict) else {}
        return drawn

    def changed(self) -> set[str]:
        """Return the names of the fields that differ from what the form was drawn with."""
        base = self.drawn_with()
        return {name for name, text in self.texts().items() if same(text) != same(base.get(name))}

    def patch(self, form: "MultiDict[str, str]") -> dict[str, Any]:
        """Return {name: value} of what was sent, cleaned for the schema; `load` refuses what the form does not have."""
        return {
            name: clean(self.items[name], form.getlist(name), self.context) if name in self.items else form[name]
            for name in form
            if name in self.items or not (name in OWN or name in self.beyond or name.startswith("pick-"))
        }

    def load(
        self, schema: Schema, patch: Mapping[str, Any], *, only: Iterable[str] | None = None
    ) -> dict[str, Any] | None:
        """Return what the schema makes of a patch, None when there are errors; they are then shown at their fields."""
        wanted = patch if only is None else {name: value for name, value in patch.items() if name in set(only)}
        unknown = set(patch) - set(self.items)
        if unknown:
            self.form_errors.append(_("This form has no field %(name)s.", name=min(unknown)))
            return None
        try:
            loaded: dict[str, Any] = schema.load(dict(wanted))
        except ValidationError as error:
            self.show(error.messages_dict)
            return None
        return loaded

    def show(self, errors: Mapping[str, Any]) -> None:
        """Put sentences beside their fields; what belongs to none stands on top."""
        for name, found in errors.items():
            messages = [str(message) for message in _flat(found)]
            name = next((n for n, item in self.items.items() if n == name or item.column == name), name)
            if name in self.items:
                self[name].errors = [*self[name].errors, *messages]
            else:
                self.form_errors.extend(messages)

    def refuse(self, error: Invalid) -> None:
        """Undo what a rule had begun when it refused, and put its sentences beside their fields."""
        self.context.session.rollback()
        self.show(error.errors)

    def stamp(self, row: Row | None) -> None:
        """Remember in the form what it was drawn with: the row's version and its texts."""
        self.version.data = "" if row is None else str(row["version"])
        self.nonce.data = self.nonce.data or uuid.uuid4().hex
        self.base.data = json.dumps(self.texts())

    def rebase(self, row: Row) -> None:
        """Make the form an edit of a newer version of the row, keeping what stands in it."""
        self.version.data, self.also_drawn = str(row["version"]), ""
        self.base.data = json.dumps({n: text_of(self.context, i, row.get(n)) for n, i in self.items.items()})


def same(text: Any) -> Any:
    """Return a field's text so that two that mean the same are equal."""
    if isinstance(text, list):
        return [part for part in text if part]
    return "" if text is None else str(text).replace("\r\n", "\n")


def _flat(found: Any) -> list[Any]:
    if isinstance(found, Mapping):
        return [message for part in found.values() for message in _flat(part)]
    return list(found) if isinstance(found, list) else [found]


def form_for(
    context: Context,
    resource: Resource,
    *,
    row: Row | None = None,
    posted: "MultiDict[str, str] | None" = None,
    initial: Mapping[str, str] | None = None,
    names: Iterable[str] | None = None,
) -> ResourceForm:
    """Return a resource's form: filled from what was posted, else from a row, else from `initial` and the defaults."""
    items = {n: i for n, i in resource.writable.items() if names is None or n in names}
    if names is not None or not resource.customs:
        return _form(context, items, row=row, posted=posted, initial=initial, resource=resource)
    own = own_groups(context, resource, chosen_product(resource, posted, initial, row))
    shown = [name for name in items if name not in resource.customs] + [name for part in own.values() for name in part]
    drawn = {name: items[name] for name in shown}
    form = _form(context, drawn, row=row, posted=posted, initial=initial, resource=resource, own=own)
    form.beyond, form.redraws_by = frozenset(items) - frozenset(drawn), resource.field_sets
    form.own_texts = {} if row is None else {n: text_of(context, i, row.get(n)) for n, i in resource.customs.items()}
    return form


def action_form(
    context: Context,
    schema: type[Schema],
    *,
    posted: "MultiDict[str, str] | None" = None,
    action: Action | None = None,
    row: Row | None = None,
) -> ResourceForm:
    """Return the form of an action's schema, drawn for one row when it is given with its action."""
    items = {name: item for name, item in schema_fields(schema).items() if not item.dump_only}
    if action is None or row is None:
        return _form(context, items, row=None, posted=posted, initial=None, resource=action)
    initial = action.initial(context, row)
    bound = replace(action, offer=lambda now, name, _row: action.offer(now, name, row))
    return _form(context, items, row=None, posted=posted, initial=initial, resource=bound)


def _form(
    context: Context,
    items: dict[str, FaceField],
    *,
    row: Row | None,
    posted: "MultiDict[str, str] | None",
    initial: Mapping[str, str] | None,
    resource: Resource | Action | None,
    own: Mapping[str, list[str]] | None = None,
) -> ResourceForm:
    items = {n: i for n, i in items.items() if i.kind != "reference" or _may_pick(context, i)}
    texts = {name: text_of(context, item, _first(name, item, row, initial)) for name, item in items.items()}
    made = {
        name: _form_field(context, name, item, row, resource, _sent(item, name, posted) or texts[name])
        for name, item in items.items()
    }
    form: ResourceForm = type("Form", (ResourceForm,), made)(formdata=posted, data=texts)
    form.context, form.items = context, items
    groups: dict[tuple[str, bool], FieldGroup] = {}
    heads = {name: label for label, names in (own or {}).items() for name in names}
    form.form_errors = []
    for name, item, bound in form.face_fields():
        bound.face = _face(context, item, bound, items)
        bound.errors = []
        head = heads.get(name, item.group)
        groups.setdefault((str(head or ""), name in heads), FieldGroup(head, name in heads)).fields.append(bound)
    form.groups = list(groups.values())
    if posted is None:
        form.stamp(row)
    else:
        form.also_drawn = posted.get("drawn", "")
    return form


def _sent(item: FaceField, name: str, posted: "MultiDict[str, str] | None") -> Any:
    return (posted.getlist(name) if item.kind == "codes" else posted.get(name)) if posted else None


def _first(name: str, item: FaceField, row: Row | None, initial: Mapping[str, str] | None) -> Any:
    if row is not None:
        return row.get(name)
    if initial and name in initial:
        return initial.getlist(name) if item.kind == "codes" and isinstance(initial, MultiDict) else initial[name]
    if item.custom_id is not None:
        return standard_of(item)
    return (
        None
        if item.load_default is missing
        else item.load_default()
        if callable(item.load_default)
        else item.load_default
    )


def _may_pick(context: Context, item: FaceField) -> bool:
    target = registry.resources.get(str(item.target))
    return target is not None and can(context.actor, target.read_permission)


def _form_field(
    context: Context, name: str, item: FaceField, row: Row | None, resource: Resource | Action | None, chosen: Any
) -> Any:
    words = item.label or name
    attributes: dict[str, Any] = dict(INPUTS.get(item.kind, {}))
    if item.required or item.needed:
        attributes["required"] = True
    if item.kind in {"amount", "number"}:
        attributes["inputmode"] = "decimal"
    if isinstance(item, Text):
        attributes["maxlength"] = item.max
    if item.kind == "flag" and item.allow_none:
        answers = _options([("", ""), ("true", _("Yes")), ("false", _("No"))])
        return SelectField(words, choices=answers, validate_choice=False, render_kw=attributes)
    if item.kind == "flag":
        return FlagField(words)
    if item.kind == "longtext" or (isinstance(item, Codes) and item.choices is None):
        return TextAreaField(words, render_kw={**attributes, "rows": 4})
    if isinstance(item, Choice):
        pairs = [("", "")] if not item.required or not chosen else []
        gone = [(chosen, chosen)] if chosen and chosen not in item.choices else []
        options = _options([*pairs, *item.choices.items(), *gone])
        return SelectField(words, choices=options, validate_choice=False, render_kw=attributes)
    if isinstance(item, Codes):
        known = item.words(context)
        first = {code: known.get(code, code) for code in chosen or () if code}
        return CodesField(words, choices=_options({**first, **known}.items()), validate_choice=False)
    if item.kind == "reference":
        pairs, remote = _picks(context, name, item, row, resource, chosen)
        if remote:
            attributes["data-remote"] = remote
        return SelectField(words, choices=_options(pairs), validate_choice=False, render_kw=attributes)
    return StringField(words, render_kw=attributes)


def _options(pairs: Iterable[tuple[str, Any]]) -> list[SelectChoice]:
    return [SelectChoice(value, label) for value, label in pairs]


def _picks(
    context: Context, name: str, item: FaceField, row: Row | None, resource: Resource | Action | None, chosen: Any
) -> tuple[list[tuple[str, str]], str | None]:
    """Return the choices of a reference and, when there are too many, where to ask for more."""
    target = registry.resources[str(item.target)]
    only = resource.offer(context, name, row) if resource else None
    found = [
        (str(i), label) for i, label in choices_of(context, target, limit=MOST_CHOICES + 1, only=only, offered=True)
    ]
    remote = url_for(f"{target.name}.choices", offered=1) if len(found) > MOST_CHOICES else None
    if remote:
        found = []
    if str(chosen) not in dict(found) and re.fullmatch("[0-9]{1,18}", str(chosen)):
        known = labels_in_reach(context, {target.name: [int(chosen)]})[target.name]
        found.insert(0, (str(chosen), str(known[int(chosen)]["label"]) if int(chosen) in known else f"#{chosen}"))
    blank = [] if item.required and chosen and not remote else [("", "")]
    return blank + found, remote


def _face(context: Context, item: FaceField, bound: Field, items: Mapping[str, FaceField]) -> Face:
    suffix = item.suffix
    if item.kind == "amount" and not suffix and ("currency" not in items or item.custom_id is not None):
        suffix = context.tenant.currency
    remote = (bound.render_kw or {}).pop("data-remote", None)
    bound.flags.required = item.required or item.needed
    return Face(
        help=item.help,
        suffix=suffix,
        width=WIDTHS.get(item.kind, "col-md-6"),
        mono=item.mono,
        numeric=item.kind in {"amount", "number", "whole", "day"},
        remote=remote,
    )


def text_of(context: Context, item: FaceField, value: Any) -> Any:
    """Return a value as the form shows it for typing: numbers in the reader's way, days as ISO for the date picker."""
    is_lines = isinstance(item, Codes) and item.choices is None
    if value is None:
        return [] if item.kind == "codes" and not is_lines else ""
    if item.kind in {"amount", "number"} and isinstance(value, Decimal):
        return format_decimal(value, "#,##0.00##" if item.kind == "amount" else "#,##0.######", locale=_locale())
    if item.kind == "flag":
        return "true" if value is True or value == "true" else "false"
    if item.kind == "moment" and isinstance(value, datetime):
        return value.astimezone(ZoneInfo(context.actor.timezone)).strftime("%Y-%m-%dT%H:%M")
    if item.kind == "codes":
        return value if isinstance(value, str) else "\n".join(value) if is_lines else [str(code) for code in value]
    return str(value)


def clean(item: FaceField, texts: list[str], context: Context) -> Any:
    """Return what was typed as the schema takes it: nothing is None, numbers are numbers, the rest stays text."""
    if item.kind == "codes":
        return [line.strip() for text in texts for line in text.splitlines() if line.strip()]
    text = texts[-1] if texts else ""
    if item.kind == "flag":
        return None if item.allow_none and not text else text == "true"
    if not text.strip():
        return "" if item.kind in {"text", "longtext"} and not item.allow_none else None
    text = text.strip() if item.kind != "longtext" else text.replace("\r\n", "\n")
    if item.kind in {"whole", "reference"}:
        return _whole(text) if item.kind == "whole" else int(text) if re.fullmatch("[0-9]{1,18}", text) else text
    if item.kind in {"amount", "number"}:
        return _decimal(text)
    if item.kind == "moment":
        try:
            return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(context.actor.timezone)).isoformat()
        except ValueError:
            return text
    return text


def _locale() -> Locale:
    return get_locale() or Locale.parse("en")


def _decimal(text: str) -> str:
    """Return a number typed in the reader's way as the schema takes it; what makes no sense stays as it is."""
    try:
        return str(parse_decimal(text.replace("\u00a0", " ").strip(), locale=_locale(), strict=True))
    except NumberFormatError:
        return text


def _whole(text: str) -> int | str:
    try:
        number = Decimal(_decimal(text))
    except ArithmeticError:
        return text
    return int(number) if number == number.to_integral_value() and abs(number) < 2**63 else text
