"""Fields that an organization gives its things: definitions, sets, values, and a Resource that knows them.

Values stand twice: in the JSON `custom` of their row, by the field's id, for reading; and as rows of `custom_values`,
indexed, for filters and sorting (D2).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import CheckConstraint, ColumnElement, Date, Index, Integer, delete, literal, select, text
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.activity import plain
from webapp.core.context import Context
from webapp.core.database import (
    Id,
    JsonDict,
    JsonList,
    KeyColumn,
    KeyText,
    LongText,
    Model,
    Money,
    ShortText,
    key_of,
    table_of,
)
from webapp.core.fields import Amount, Choice, Codes, Day, FaceField, Flag, Number, Text, Url
from webapp.core.insertion import insert_rows
from webapp.core.labels import label_rows
from webapp.core.resource import Resource, registry
from webapp.core.tenancy import (
    CHECKED,
    Entity,
    SoftDeleted,
    among,
    organization_of,
    tenant_reference,
    tenant_table_arguments,
    unique_among_living,
)

PREFIX = "custom."
DEFINITIONS, SETS = "custom-fields", "field-sets"
KINDS = ("text", "number", "date", "boolean", "choice", "choices", "url", "money")
SEARCHED = frozenset({"text", "url"})
KEY_LENGTH = 255
Row = Mapping[str, Any]


class Customized:
    """A thing that may have values in the organization's own fields."""

    custom: Mapped[JsonDict] = mapped_column(default=dict)


class CustomField(Entity, SoftDeleted, Model):
    """A field of an organization's own: "RAM" of assets, a number, in JSON `custom.ram`."""

    __tablename__ = "custom_fields"

    resource: Mapped[str] = mapped_column(KeyText)
    slug: Mapped[KeyColumn]
    name: Mapped[ShortText]
    name_key: Mapped[KeyColumn]
    kind: Mapped[str] = mapped_column(KeyText)
    options: Mapped[JsonList] = mapped_column(default=list)
    is_required: Mapped[bool] = mapped_column(default=False)
    default_value: Mapped[ShortText | None]
    help: Mapped[ShortText | None]
    position: Mapped[int] = mapped_column(Integer, default=0)
    search_text: Mapped[LongText]

    __table_args__ = tenant_table_arguments(
        CheckConstraint(f"kind IN {KINDS}", name="kind"),
        unique_among_living("uq_custom_fields_slug", "resource", "slug"),
        unique_among_living("uq_custom_fields_name_key", "resource", "name_key"),
    )


class FieldSet(Entity, SoftDeleted, Model):
    """Fields of assets that a product's copies have: "Laptop" with RAM and screen size, by their slugs."""

    __tablename__ = "field_sets"

    name: Mapped[ShortText]
    name_key: Mapped[KeyColumn]
    fields: Mapped[JsonList] = mapped_column(default=list)
    notes: Mapped[LongText | None]
    search_text: Mapped[LongText]

    __table_args__ = tenant_table_arguments(unique_among_living("uq_field_sets_name_key", "name_key"))


def _index_of(kind: str) -> Index:
    """Return the index of one kind of value: a row has one value, so it stands in one of them."""
    held = text(f"{kind}_value IS NOT NULL")
    columns = ("organization_id", "field_id", f"{kind}_value", "row_id", "position")
    return Index(f"ix_custom_values_{kind}", *columns, postgresql_where=held, sqlite_where=held)


class CustomValue(Model):
    """A value as filters and sorting read it; a choice of several has one row each."""

    __tablename__ = "custom_values"

    organization_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    field_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    row_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    position: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    text_value: Mapped[str | None] = mapped_column(KeyText)
    int_value: Mapped[Decimal | None] = mapped_column(Money)
    date_value: Mapped[date | None] = mapped_column(Date)

    __table_args__ = (
        *tenant_reference("custom_fields", "field_id"),  # which leads to the organization
        *(_index_of(kind) for kind in ("text", "int", "date")),
    )


VALUES = table_of(CustomValue)
MAKERS: Mapping[str, Callable[[Row, dict[str, Any]], FaceField]] = {
    "text": lambda _row, words: Text(max=2_000, **words),
    "url": lambda _row, words: Url(max=2_000, **words),
    "number": lambda _row, words: Number(**words),
    "money": lambda _row, words: Amount(**words),
    "date": lambda _row, words: Day(**words),
    "boolean": lambda _row, words: Flag(nullable=True, **words),
    "choice": lambda row, words: Choice({option: option for option in row["options"]}, **words),
    "choices": lambda row, words: Codes({option: option for option in row["options"]}, strict=True, **words),
}
COLUMNS = {"number": "int_value", "amount": "int_value", "flag": "int_value", "day": "date_value"}
REVIVED: Mapping[str, Callable[[str], Any]] = {"number": Decimal, "amount": Decimal, "day": date.fromisoformat}
_tailored: dict[tuple[int, str], tuple[Any, Any, Resource]] = {}
REMEMBERED = 2_000


def is_customizable(resource: Resource) -> bool:
    """Tell whether a resource's rows may have values of the organization's own fields."""
    return "custom" in resource.table.c


def tailor(context: Context, resource: Resource) -> Resource:
    """Return a resource as the organization sees it: with its own fields, named `custom.<slug>`, among the others."""
    if not is_customizable(resource) or DEFINITIONS not in registry.resources:
        return resource
    resource = registry.resources.get(resource.name, resource)
    rows, sets = label_rows(context, DEFINITIONS), label_rows(context, SETS)
    known = _tailored.get((context.organization_id, resource.name))
    if known and known[0] is rows and known[1] is sets:
        return known[2]
    made = _fields_of(resource, rows, sets)
    tailored = _with_fields(resource, made) if made else resource
    if len(_tailored) > REMEMBERED:
        _tailored.clear()
    _tailored[context.organization_id, resource.name] = (rows, sets, tailored)
    return tailored


def _fields_of(resource: Resource, rows: Mapping[int, Row], sets: Mapping[int, Row]) -> dict[str, FaceField]:
    mine = [row for row in rows.values() if row["resource"] == resource.name and not row["deleted_at"]]
    groups = {slug: row["label"] for row in sets.values() if not row["deleted_at"] for slug in row["fields"]}
    made = {}
    for row in sorted(mine, key=lambda row: (row["position"], row["id"])):
        group = groups.get(row["slug"]) if resource.field_sets else None
        words = {"label": row["label"], "help": row["help"], "group": group or _l("Own fields"), "allow_none": True}
        item = MAKERS[row["kind"]](row, words)
        item.custom_id, item.needed, item.standard = row["id"], bool(row["is_required"]), row["default_value"]
        made[f"{PREFIX}{row['slug']}"] = item
    return made


def _with_fields(resource: Resource, made: dict[str, FaceField]) -> Resource:
    meta = type("Meta", (resource.schema.Meta,), {"register": False})
    schema = type(resource.schema.__name__, (resource.schema,), {**made, "Meta": meta})
    return replace(resource, schema=schema)


def applicable(resource: Resource, product: Row | None, sets: Mapping[int, Row]) -> set[str]:
    """Return the names of a tailored resource's own fields that a row has: those in no set, and its product's."""
    listed = fields_of_sets(resource, sets)
    in_sets = {name for names in listed.values() for name in names}
    mine = listed.get((product or {}).get("field_set_id") or 0, [])
    return (set(resource.customs) - in_sets) | set(mine)


def fields_of_sets(resource: Resource, sets: Mapping[int, Row]) -> dict[int, list[str]]:
    """Return {set: names, in its order} of a tailored resource's own fields that stand in living sets."""
    if resource.field_sets is None:
        return {}
    living = {set_id: found["fields"] for set_id, found in sets.items() if not found["deleted_at"]}
    return {
        i: [name for slug in slugs if (name := f"{PREFIX}{slug}") in resource.customs] for i, slugs in living.items()
    }


def carrier_of_sets(resource: Resource) -> str:
    """Return the kind whose rows carry the sets of a resource's own fields."""
    return str(resource.fields[str(resource.field_sets)].target)


def revived(item: FaceField, value: Any) -> Any:
    """Return a value of the JSON, where numbers and days are text, as Python has it."""
    revive = REVIVED.get(item.kind)
    return value if value is None or revive is None else revive(value)


def stored_value(row: Row, column: str) -> Any:
    """Return a column of a table's row, `custom.<id>` from among its custom values."""
    if column.startswith(PREFIX):
        return (row.get("custom") or {}).get(column.removeprefix(PREFIX))
    return row.get(column)


def put_custom(draft: Any, column: str, value: Any) -> None:
    """Set `custom.<id>` of a draft to a value, None to take it away."""
    own = dict(draft["custom"] or {})
    own[column.removeprefix(PREFIX)] = plain(value)
    draft["custom"] = {key: kept for key, kept in own.items() if kept is not None and kept != []}


def plan_custom(draft: Any, resource: Resource, facts: Any) -> None:
    """Say what a row's own fields will be: what was given, the defaults of a new row, none that is not its own."""
    given = {name: value for name, value in draft.patch.items() if name in resource.customs}
    if draft.is_new:
        draft["custom"] = {}
    if not resource.customs or not (given or draft.is_new):
        return
    product = facts.row(carrier_of_sets(resource), draft[resource.field_sets]) if resource.field_sets else None
    mine = applicable(resource, product, label_rows(facts.context, SETS))
    own = dict(draft["custom"] or {})
    for name, item in resource.customs.items():
        key = str(item.custom_id)
        if name in given and name not in mine and given[name] is not None and not facts.forced:
            draft.fail(name, _("Things of this product do not have this field."))
        elif name in given:
            own[key] = plain(given[name])
        elif draft.is_new and name in mine and item.standard is not None:
            own[key] = plain(standard_of(item))
        needed = name in mine and item.needed and not facts.forced and (draft.is_new or name in given)
        if needed and own.get(key) in (None, []):
            draft.fail(name, _("This is needed."))
    draft["custom"] = {key: kept for key, kept in own.items() if kept is not None and kept != []}


def standard_of(item: FaceField) -> Any:
    """Return the default of a field as its value, None without one."""
    text = item.standard
    if text is None:
        return None
    if item.kind == "flag":
        return text == "true"
    return item.deserialize([part.strip() for part in text.split("\n")] if item.kind == "codes" else text)


def searched(resource: Resource, row: Any) -> list[str]:
    """Return the words that a row's own texts and addresses are found by."""
    own = row["custom"] or {} if resource.customs else {}
    found = [own.get(str(i.custom_id)) for i in resource.customs.values() if i.kind in SEARCHED]
    return [key_of(text) for text in found if text]


def comparable(item: FaceField, value: Any) -> Any:
    """Return a value as `custom_values` keeps it in the field's column."""
    if value is None:
        return None
    if item.kind == "flag":
        return Decimal(bool(value))
    if item.kind not in COLUMNS:
        return key_of(str(value))[:KEY_LENGTH]
    return value


def column_of(item: FaceField) -> ColumnElement[Any]:
    """Return the column of `custom_values` that a field is compared by."""
    column: ColumnElement[Any] = VALUES.c[COLUMNS.get(item.kind, "text_value")]
    return column


def having(
    context: Context, resource: Resource, item: FaceField, *conditions: ColumnElement[bool]
) -> ColumnElement[bool]:
    """Return the predicate of the rows that have a value of a field for which some conditions hold."""
    return resource.table.c.id.in_(select(VALUES.c.row_id).where(*of_field(context, item), *conditions))


def lacking(
    context: Context, resource: Resource, item: FaceField, *conditions: ColumnElement[bool]
) -> ColumnElement[bool]:
    """Return the predicate of the rows that have no value of a field for which some conditions hold.

    Probed row by row: NOT IN would gather every value first, and more than fit into memory again for each row.
    """
    inside = select(literal(1)).where(*of_field(context, item), VALUES.c.row_id == resource.table.c.id, *conditions)
    return ~inside.correlate(resource.table).exists()


def of_field(context: Context, item: FaceField) -> list[ColumnElement[bool]]:
    """Return the predicates of a field's values; the first alone, so that the database knows of one a row."""
    mine = [VALUES.c.organization_id == organization_of(context.session), VALUES.c.field_id == item.custom_id]
    mine.append(column_of(item).isnot(None))  # as its index says
    return mine if item.kind == "codes" else [*mine, VALUES.c.position == 0]


def keep_values(context: Context, resource: Resource, changes: Sequence[Any]) -> None:
    """Keep the indexed values true to what was written into the JSON of some rows."""
    stale: dict[int, list[int]] = {}
    fresh: list[dict[str, Any]] = []
    own = {"organization_id": organization_of(context.session)}
    told = [((c.before or {}).get("custom") or {}, c.after.get("custom") or {}, c.after["id"]) for c in changes]
    told = [each for each in told if each[0] != each[1]]
    for item in sorted(tailor(context, resource).customs.values(), key=lambda item: int(item.custom_id or 0)):
        key, column = str(item.custom_id), COLUMNS.get(item.kind, "text_value")  # in the order of its indexes
        for before, after, row_id in told:
            if (value := after.get(key)) == before.get(key):
                continue
            if key in before:
                stale.setdefault(int(key), []).append(row_id)
            for position, one in enumerate(value if isinstance(value, list) else [value]):
                if one is not None:
                    found = comparable(item, revived(item, one))
                    fresh.append(
                        own | {"field_id": item.custom_id, "row_id": row_id, "position": position, column: found}
                    )
    for field_id, row_ids in stale.items():
        mine = VALUES.c.organization_id == organization_of(context.session), VALUES.c.field_id == field_id
        gone = delete(VALUES).where(*mine, among(context.session, VALUES.c.row_id, row_ids))
        context.session.execute(gone, execution_options=CHECKED)
    insert_rows(context.session, VALUES, fresh, columns=tuple(VALUES.c.keys()))
