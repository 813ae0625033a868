"""Kept mappings: what the headings of one kind of file mean, under a name, applied by itself to the next such file."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select

from webapp.core.access import can, require
from webapp.core.context import Context
from webapp.core.custom import tailor
from webapp.core.database import key_of
from webapp.core.errors import Invalid, NotFound
from webapp.core.resource import Resource, registry
from webapp.core.tenancy import CHECKED, hold, scoped
from webapp.imports.mapping import column_errors, columns_from_json, guess_columns, normalize_heading
from webapp.imports.models import IMPORT_MAPPINGS, IMPORTS, ImportMapping
from webapp.imports.options import READING, Options, changed_options, options_from_json
from webapp.imports.standing import READ, WRITE, get_import, is_import
from webapp.imports.targets import creatable_kinds, importable, match_keys, targets_of

LONGEST_NAME = 80
MOST = 500
BY_COLUMN = ("dates", "decimals")

Row = dict[str, Any]


def heading_keys(headers: Sequence[str]) -> list[str]:
    """Return what each heading is kept under: its words in one spelling; the second of the same gets a number."""
    found: list[str] = []
    for header in headers:
        key, count = normalize_heading(header) or key_of(header.replace("\0", "")), 1
        while (numbered := key if count == 1 else f"{key} ({count})") in found:
            count += 1
        found.append(numbered)
    return found


def _headings_key(keys: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(sorted(keys)).encode()).hexdigest()


def list_mappings(context: Context, resource_name: str | None = None) -> list[Row]:
    """Return the kept mappings of what an actor may read, by resource and name."""
    require(context.actor, READ)
    names = [known.name for known in importable() if can(context.actor, known.read_permission)]
    where = [scoped(context.session, IMPORT_MAPPINGS), IMPORT_MAPPINGS.c.deleted_at.is_(None)]
    where.append(IMPORT_MAPPINGS.c.resource.in_([n for n in names if resource_name in (None, n)]))
    query = select(IMPORT_MAPPINGS).where(*where).order_by(IMPORT_MAPPINGS.c.resource, IMPORT_MAPPINGS.c.name_key)
    return [dict(row) for row in context.session.execute(query, execution_options=CHECKED).mappings()]


def get_mapping(context: Context, mapping_id: int) -> Row:
    """Return a kept mapping; raises NotFound for what is not there or out of the actor's reach."""
    found = next((row for row in list_mappings(context) if row["id"] == mapping_id), None)
    if found is None:
        raise NotFound(_("There is no mapping %(id)s.", id=mapping_id))
    return found


def named(context: Context, resource_name: str | None, called: str) -> Row:
    """Return the mapping that somebody calls by its name or its id; raises Invalid naming `mapping`."""
    rows = list_mappings(context, resource_name)
    found = [row for row in rows if row["name_key"] == key_of(called)]
    found = found or [row for row in rows if str(row["id"]) == called.strip()]
    if not found:
        raise Invalid({"mapping": [_("There is no mapping “%(name)s”.", name=called[:80])]})
    if len(found) > 1:
        raise Invalid({"mapping": [_("More than one is called “%(name)s”.", name=called[:80])]})
    return found[0]


def fitting(context: Context, resource_name: str | None, headers: Sequence[str]) -> Row | None:
    """Return the mapping that was kept for these very headings, the youngest of several."""
    key = _headings_key(heading_keys(headers))
    rows = [row for row in list_mappings(context, resource_name) if row["headings_key"] == key]
    rows = [row for row in rows if can(context.actor, registry.resources[row["resource"]].write_permission)]
    return max(rows, key=lambda row: (row["updated_at"], row["id"]), default=None)


def meaning(
    context: Context, resource: Resource, kept: Row, headers: Sequence[str]
) -> tuple[dict[int, str | None], Options]:
    """Return (columns, options) of a file that is read by a kept mapping.

    Headings that the mapping does not know are guessed; fields that are gone, and kinds that the actor may not have
    made, are left out.
    """
    keys, targets = heading_keys(headers), targets_of(resource)
    columns = {i: field for i, key in enumerate(keys) if (field := kept["fields"].get(key)) in targets}
    taken = {field for field in columns.values() if field}
    for index, guess in enumerate(guess_columns(resource, headers)):
        known = keys[index] in kept["fields"]
        columns.setdefault(index, guess.field if not known and guess.field not in taken else None)
        taken.add(columns[index] or "")
    places = {key: str(index) for index, key in enumerate(keys)}
    found = dict(kept["options"])
    for name in BY_COLUMN:
        found[name] = {places[key]: how for key, how in found.get(name, {}).items() if key in places}
    found["match"] = found.get("match") if found.get("match") in match_keys(resource) else None
    allowed = [k for k in creatable_kinds(resource) if can(context.actor, registry.resources[k].write_permission)]
    found["create"] = [kind for kind in found.get("create", ()) if kind in allowed]
    return dict(sorted(columns.items())), options_from_json(found)


def reading_of(kept: Row) -> dict[str, Any]:
    """Return how a mapping says that its files are read: encoding, delimiter and sheet, as far as it says."""
    return {name: kept["options"][name] for name in READING if kept["options"].get(name) is not None}


def keep(context: Context, import_id: int, name: str) -> int:
    """Keep an import's columns and options under a name, for the next file like it; return the mapping's id.

    The name of the mapping that the import was read by brings that up to date. Raises Invalid naming `name`.
    """
    row = get_import(context, import_id, write=True)
    columns, keys = columns_from_json(row["columns"]), heading_keys(row["headers"])
    options = dict(row["options"])
    for option in BY_COLUMN:
        options[option] = {keys[int(index)]: how for index, how in options.get(option, {}).items()}
    fields = {key: columns.get(index) for index, key in enumerate(keys)}
    mapping_id = _write(context, row["resource"], name, fields, options, own_id=row["mapping_id"])
    statement = IMPORTS.update().where(is_import(context, import_id)).values(mapping_id=mapping_id)
    context.session.execute(statement, execution_options=CHECKED)
    return mapping_id


def make(
    context: Context, resource_name: str, name: str, columns: Mapping[str, str | None], options: Mapping[str, Any]
) -> int:
    """Keep a mapping that somebody wrote down: {heading: field or None}; return its id. Raises Invalid."""
    require(context.actor, WRITE)
    known = {resource.name for resource in importable()}
    if resource_name not in known:
        raise Invalid({"resource": [_("Say one of: %(names)s.", names=", ".join(sorted(known)))]})
    resource = tailor(context, registry.resources[resource_name])
    require(context.actor, resource.write_permission)
    keys, headers = heading_keys([*columns]), [*columns]
    errors = column_errors(resource, dict(enumerate(columns.values())), len(keys))
    if errors:
        raise Invalid({"columns": errors})
    plain = {key: value for key, value in options.items() if key not in BY_COLUMN}
    placed = {n: _placed(headers, n, options[n]) for n in BY_COLUMN if n in options}
    checked = changed_options(resource, Options(), plain | placed, len(headers)).to_json()
    for option in BY_COLUMN:
        checked[option] = {keys[int(index)]: how for index, how in checked[option].items()}
    return _write(context, resource_name, name, dict(zip(keys, columns.values(), strict=True)), checked, own_id=None)


def _placed(headers: Sequence[str], option: str, given: Any) -> Any:
    """Return {column's number: how} of {heading: how}."""
    if not isinstance(given, Mapping):
        return given
    unknown = [heading for heading in given if heading not in headers]
    if unknown:
        raise Invalid({f"options.{option}": [_("There is no column “%(name)s”.", name=str(unknown[0])[:80])]})
    return {str(headers.index(heading)): how for heading, how in given.items()}


def rename(context: Context, mapping_id: int, name: str) -> None:
    """Call a kept mapping something else; raises Invalid naming `name`, NotFound and Forbidden."""
    row = _writable(context, mapping_id)
    row.name = _checked_name(context, row.resource, name, row.id)
    row.name_key = key_of(row.name)
    context.session.flush()


def forget(context: Context, mapping_id: int) -> str:
    """Delete a kept mapping and return its name; what was imported by it stays as it is."""
    row = _writable(context, mapping_id)
    row.deleted_at = context.at
    context.session.flush()
    return row.name


def _writable(context: Context, mapping_id: int) -> ImportMapping:
    require(context.actor, WRITE)
    hold(context.session, "mappings of imports")
    found = get_mapping(context, mapping_id)
    require(context.actor, registry.resources[found["resource"]].write_permission)
    return context.session.execute(select(ImportMapping).where(ImportMapping.id == found["id"])).scalar_one()


def _write(
    context: Context,
    resource_name: str,
    name: str,
    fields: dict[str, str | None],
    options: dict[str, Any],
    *,
    own_id: int | None,
) -> int:
    hold(context.session, "mappings of imports")
    rows = list_mappings(context, resource_name)
    own = next((row for row in rows if row["id"] == own_id and row["name_key"] == key_of(name)), None)
    if own is None and len(rows) >= MOST:
        raise Invalid({"name": [_("At most %(count)s mappings. Delete one first.", count=MOST)]})
    row = ImportMapping(resource=resource_name) if own is None else _writable(context, own["id"])
    row.name = _checked_name(context, resource_name, name, None if own is None else own["id"])
    row.name_key, row.created_by_name = key_of(row.name), context.actor.name
    row.fields, row.options, row.headings_key = fields, options, _headings_key(fields)
    context.session.add(row)
    context.session.flush()
    return row.id


def _checked_name(context: Context, resource_name: str, name: str, own_id: int | None) -> str:
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME or "\0" in name:
        raise Invalid({"name": [_("A name has 1 to %(count)s characters.", count=LONGEST_NAME)]})
    taken = {row["name_key"]: row["id"] for row in list_mappings(context, resource_name)}
    if taken.get(key_of(name), own_id) != own_id:
        raise Invalid({"name": [_("There is a mapping of this name already.")]})
    return name
