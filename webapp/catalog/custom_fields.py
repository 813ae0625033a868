"""Fields of an organization's own, and the sets of them that products carry: declarations and rules."""

import re
import unicodedata
from datetime import timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from marshmallow import ValidationError
from sqlalchemy import func, select

from webapp.core.context import Context
from webapp.core.custom import DEFINITIONS, MAKERS, SEARCHED, SETS, CustomField, FieldSet, standard_of
from webapp.core.database import table_of
from webapp.core.errors import Conflict
from webapp.core.fields import Choice, Codes, Flag, SoftDeletedSchema, Text, Whole
from webapp.core.jobs import enqueue
from webapp.core.labels import label_rows
from webapp.core.resource import Menu, Resource, Unique
from webapp.core.tenancy import CHECKED, scoped
from webapp.core.writes import Change, Draft, Facts

MOST_FIELDS, MOST_OPTIONS = 100, 200
KEPT = timedelta(days=30)
SLUG = re.compile(r"[a-z][a-z0-9_]{0,59}")
WHAT, INPUT = _l("What it is"), _l("How it is filled in")
KIND_WORDS = {
    "text": _l("Text"),
    "number": _l("A number"),
    "date": _l("Date"),
    "boolean": _l("Yes or no"),
    "choice": _l("One of a list"),
    "choices": _l("Several of a list"),
    "url": _l("Web address"),
    "money": _l("Amount of money"),
}
TARGETS = {
    "assets": _l("Assets"),
    "products": _l("Products"),
    "categories": _l("Categories"),
    "manufacturers": _l("Manufacturers"),
    "suppliers": _l("Suppliers"),
    "depreciations": _l("Depreciations"),
    "statuses": _l("Statuses"),
    "locations": _l("Places"),
    "persons": _l("People"),
    "companies": _l("Companies"),
    "departments": _l("Departments"),
    "customers": _l("Customers"),
}
FIELDS = table_of(CustomField)


def asset_fields(context: Context) -> dict[str, str]:
    """Return {slug: name} of the fields that a set may take: those of assets."""
    rows = label_rows(context, DEFINITIONS).values()
    return {r["slug"]: str(r["label"]) for r in rows if r["resource"] == "assets" and not r["deleted_at"]}


class CustomFieldSchema(SoftDeletedSchema):
    """A field of the organization's own."""

    name = Text(required=True, key="name_key", label=_l("Name"), group=WHAT)
    resource = Choice(TARGETS, required=True, label=_l("Of"), group=WHAT, help=_l("Cannot be changed later."))
    kind = Choice(KIND_WORDS, required=True, label=_l("Kind"), group=WHAT, help=_l("Cannot be changed later."))
    slug = Text(
        max=60,
        nullable=True,
        mono=True,
        label=_l("Short name"),
        group=WHAT,
        help=_l("In the API; empty is made of the name. Cannot be changed later."),
    )
    options = Codes(load_default=list, label=_l("Choices"), group=INPUT, help=_l("One a line, for fields with a list."))
    is_required = Flag(load_default=False, label=_l("Needed"), group=INPUT)
    default_value = Text(label=_l("Default"), group=INPUT, help=_l("What new things get when nothing is given."))
    help = Text(label=_l("Help"), group=INPUT, help=_l("Stands below the field in forms."))
    position = Whole(load_default=0, max=10_000, nullable=False, label=_l("Order"), group=INPUT)


class FieldSetSchema(SoftDeletedSchema):
    """Fields that the copies of some products have."""

    name = Text(required=True, key="name_key", label=_l("Name"), group=WHAT)
    fields = Codes(  # type: ignore[assignment] # marshmallow takes declared fields out of the class
        asset_fields,
        load_default=list,
        label=_l("Fields"),
        group=WHAT,
        help=_l("Own fields of assets. Assets have them when their product carries this set."),
    )
    notes = Text(max=10_000, multiline=True, label=_l("Notes"), group=WHAT)


def plan_field(draft: Draft, facts: Facts) -> None:
    """Say what a field will be: named for the API, of a kind and a resource for good, its default one of its values."""
    for column in ("resource", "kind", "slug"):
        known = (draft.current or {}).get(column)
        if known is not None and draft.changed(column) and not facts.forced:
            draft.fail(column, _("This cannot be changed any more."))
    if not draft["slug"]:
        draft["slug"] = slug_of(str(draft["name"] or ""))
    draft["slug"] = str(draft["slug"]).lower()
    if not SLUG.fullmatch(str(draft["slug"])):
        draft.fail("slug", _("Begin with a small letter; then small letters, digits and _, 60 at most."))
    _plan_options(draft)
    if not draft.errors and draft["default_value"] is not None and draft.changed("default_value", "options", "kind"):
        _check_default(draft)
    if (draft.is_new or draft.changed("deleted_at")) and not draft.errors:
        facts.hold(DEFINITIONS)
        _check_count(draft, facts)


def slug_of(name: str) -> str:
    """Return a short name made of a name: "Größe (mm)" is `grosse_mm`."""
    bare = unicodedata.normalize("NFKD", name.casefold()).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "_", bare).strip("_")[:60]
    return slug if slug[:1].isalpha() else f"field_{slug}"[:60].rstrip("_")


def _plan_options(draft: Draft) -> None:
    listed = draft["kind"] in ("choice", "choices")
    options = [option.strip() for option in draft["options"] or []]
    options = list(dict.fromkeys(option for option in options if option))
    if options != draft["options"]:
        draft["options"] = options
    if listed and not options:
        draft.fail("options", _("Give at least one choice."))
    if not listed and options:
        draft.fail("options", _("Only fields with a list have choices."))
    if len(options) > MOST_OPTIONS:
        draft.fail("options", _("At most %(count)s choices.", count=MOST_OPTIONS))
    if any(len(option) > 255 or "\x00" in option for option in options):
        draft.fail("options", _("A choice has at most 255 characters."))


def _check_default(draft: Draft) -> None:
    item: Any = MAKERS[draft["kind"]]({"options": draft["options"]}, {"allow_none": True})
    item.standard = draft["default_value"]
    if draft["kind"] == "boolean" and item.standard not in ("true", "false"):
        draft.fail("default_value", _("Say true or false."))
        return
    try:
        standard_of(item)
    except ValidationError as error:
        draft.fail("default_value", " ".join(map(str, error.normalized_messages().get("_schema", error.messages))))


def _check_count(draft: Draft, facts: Facts) -> None:
    session = facts.context.session
    query = (
        select(func.count())
        .select_from(FIELDS)
        .where(scoped(session, FIELDS), FIELDS.c.resource == draft["resource"], FIELDS.c.deleted_at.is_(None))
    )
    if session.execute(query, execution_options=CHECKED).scalar_one() >= MOST_FIELDS:
        draft.fail("resource", _("There are %(count)s fields already, the most there may be.", count=MOST_FIELDS))


def plan_set(draft: Draft, facts: Facts) -> None:
    """Say what a set will be: of fields that assets have."""
    wanted = list(dict.fromkeys(draft["fields"] or []))
    if wanted != draft["fields"]:
        draft["fields"] = wanted
    unknown = [slug for slug in wanted if slug not in asset_fields(facts.context)]
    if unknown and draft.changed("fields") and not facts.forced:
        draft.fail("fields", _("Assets have no field %(name)s.", name=unknown[0]))


def guard_field(context: Context, row: dict[str, Any]) -> None:
    """Keep a field that a set names."""
    sets = [s for s in label_rows(context, SETS).values() if not s["deleted_at"] and row["slug"] in s["fields"]]
    if row["resource"] == "assets" and sets:
        raise Conflict(
            _("The set %(name)s has this field. Take it out there first.", name=sets[0]["label"]), code="in_use"
        )


def settle_fields(context: Context, changes: list[Change]) -> None:
    """Have the words of fields that went or came back found no more or again, and the values of those gone purged."""
    for change in changes:
        was, now = (change.before or {}).get("deleted_at"), change.after.get("deleted_at")
        if change.before is None or bool(was) == bool(now):
            continue
        payload = {"field_id": change.after["id"]}
        if change.after["kind"] in SEARCHED:
            enqueue(context, "refresh_own_words", payload)
        if now:
            enqueue(context, "purge_own_values", payload | {"deleted_at": now.isoformat()}, run_at=now + KEPT)


CUSTOM_FIELDS = Resource(
    name=DEFINITIONS,
    model=CustomField,
    schema=CustomFieldSchema,
    title=_l("Own fields"),
    singular=_l("Own field"),
    icon="forms",
    menu=Menu(label=_l("Own fields"), group=_l("Catalogue"), icon="forms", order=280),
    columns=("name", "resource", "kind", "slug", "is_required", "position"),
    filters=("resource", "kind"),
    search=("name",),
    sort="name",
    cached=True,
    label_columns=("resource", "slug", "kind", "options", "is_required", "default_value", "help", "position"),
    plan=plan_field,
    settle=settle_fields,
    guard=guard_field,
    unique=(
        Unique(column="name_key", field="name", within=("resource",)),
        Unique(column="slug", field="slug", within=("resource",)),
    ),
    write_roles=frozenset({"owner", "admin"}),
)
FIELD_SETS = Resource(
    name=SETS,
    model=FieldSet,
    schema=FieldSetSchema,
    title=_l("Field sets"),
    singular=_l("Field set"),
    icon="list-details",
    menu=Menu(label=_l("Field sets"), group=_l("Catalogue"), icon="list-details", order=285),
    columns=("name", "fields"),
    search=("name",),
    cached=True,
    label_columns=("fields",),
    plan=plan_set,
    unique=(Unique(column="name_key", field="name"),),
    write_roles=frozenset({"owner", "admin"}),
)
