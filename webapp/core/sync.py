"""Many rows at once, matched by a key: created, updated, unchanged or failed one by one, written as one (D8)."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from flask_babel import gettext as _
from marshmallow import Schema, ValidationError

from webapp.core.batch import plan_rows, write_rows
from webapp.core.context import Context
from webapp.core.custom import tailor
from webapp.core.errors import Invalid, TooLarge
from webapp.core.fields import OwnFields, Text
from webapp.core.lookup import ids_by_name, make_named, name_key
from webapp.core.matching import Ambiguous, candidates, compared, meant
from webapp.core.resource import Resource, registry
from webapp.core.writes import Draft, Facts

ROW_LIMIT = 1_000
Item = dict[str, Any]
Errors = dict[str, list[str]]


def sync(
    context: Context, resource: Resource, items: list[Any], create_missing: frozenset[str]
) -> dict[str, list[Item]]:
    """Upsert items by the resource's sync key and return {"created", "updated", "unchanged", "failed"}.

    Each item is an object of the resource's writable fields; a reference may be named in its sibling key instead.
    A later item with the same key is planned on what the earlier one made of the row. Raises TooLarge and Invalid.
    """
    if len(items) > ROW_LIMIT:
        raise TooLarge(_("At most %(count)s rows at once.", count=ROW_LIMIT))
    resource, key = tailor(context, resource), str(resource.sync_key)
    result: dict[str, list[Item]] = {"created": [], "updated": [], "unchanged": [], "failed": []}
    loaded = _load(resource, items, key)
    _name_references(context, resource, loaded, create_missing)
    facts = Facts(context)
    for wave in _waves(resource, loaded, key):
        current = _current(context, resource, key, wave)
        good = [entry for entry in wave if not entry[2]]
        drafts = plan_rows(context, resource, [(current[id(e[1])], e[1]) for e in good], facts=facts)
        ids = iter(write_rows(context, resource, drafts))
        for entry, draft in zip(good, drafts, strict=True):
            entry[2].update(draft.errors)
            if not draft.errors:
                result[_fate(draft)].append({"id": next(ids), key: entry[1][key]})
        result["failed"] += [_failure(key, entry[0], entry[2]) for entry in wave if entry[2]]
    return result


def _current(
    context: Context, resource: Resource, key: str, wave: list[tuple[Any, Item, Errors]]
) -> dict[int, Mapping[str, Any] | None]:
    """Return {id of a patch: the living row that it means, or None}; who means several gets an error."""
    good = [(patch, errors) for _item, patch, errors in wave if not errors]
    known = candidates(context, resource, key, [patch for patch, _errors in good])
    found: dict[int, Mapping[str, Any] | None] = {}
    for patch, errors in good:
        try:
            found[id(patch)] = meant(resource, key, patch, known.get(compared(resource, key, patch[key]), []))
        except Ambiguous:
            errors[key] = [_("More than one is called so.")]
    return found


def _fate(draft: Draft) -> str:
    return "created" if draft.is_new else "updated" if draft.changes else "unchanged"


def _failure(key: str, item: Any, errors: Mapping[str, list[str]]) -> Item:
    given = item.get(key) if isinstance(item, dict) else None
    found = [{"field": name, "message": message} for name, messages in errors.items() for message in messages]
    return {key: given if isinstance(given, str) else None, "errors": found}


def _load(resource: Resource, items: list[Any], key: str) -> list[tuple[Any, Item, Errors]]:
    """Return (item as sent, patch, errors) of each item; names of references stay in the patch for the next step."""
    schema = sync_schema(resource)
    loaded = []
    for item in items:
        try:
            patch, errors = schema.load(item), {}
        except ValidationError as error:
            patch, errors = {}, flat_messages(error.messages)
        if not errors and not patch.get(key):
            errors = {key: [_("This is needed.")]}
        loaded.append((item, patch, errors))
    return loaded


def flat_messages(messages: Any, prefix: str = "") -> Errors:
    """Return {field: sentences} of marshmallow's nested messages, nested fields as `a.b`."""
    if not isinstance(messages, dict):
        return {prefix or "_": [str(message) for message in messages]}
    flat: Errors = {}
    for name, found in messages.items():
        inner = "_" if name == "_schema" else str(name)
        flat |= flat_messages(found, f"{prefix}.{inner}" if prefix else inner)
    return flat


@lru_cache(maxsize=256)
def sync_schema(resource: Resource) -> Schema:
    """Return the schema of one item: the writable fields, all optional, and a name beside each reference."""
    names = {
        name: Text(max=1000, label=item.label) for name, item in resource.names.items() if item.of in resource.writable
    }
    shown = {*resource.writable, "custom"}
    own = {name: item for name, item in resource.schema().declared_fields.items() if name in shown}
    made: type[Schema] = type(
        f"{resource.schema.__name__.removesuffix('Schema')}SyncItemSchema",
        (OwnFields, Schema),
        {**own, **names, "Meta": type("Meta", (), {"register": False})},
    )
    return made(partial=True)


def _name_references(
    context: Context, resource: Resource, loaded: list[tuple[Any, Item, Errors]], create_missing: frozenset[str]
) -> None:
    """Put ids for the names that items give, categories first, so that one is there for its product."""
    for name, item in sorted(resource.names.items(), key=lambda pair: pair[0] != "category"):
        if item.of not in resource.writable:
            continue
        named = [(patch, errors) for _item, patch, errors in loaded if not errors and patch.get(name)]
        for patch, errors in named:
            if patch.get(item.of) is not None:
                errors.setdefault(name, []).append(_("Give the name or the id, not both."))
        target = registry.resources[str(resource.fields[item.of].target)]
        names = {patch[name] for patch, errors in named if not errors}
        ids = ids_by_name(context, target, names, only=resource.offer(context, item.of, None))
        for patch, errors in named:
            if not errors:
                _put_id(context, target, name, item.of, patch, errors, ids, create_missing)
        for _item, patch, _errors in loaded:
            patch.pop(name, None)


def _put_id(
    context: Context,
    target: Resource,
    name: str,
    column: str,
    patch: Item,
    errors: Errors,
    ids: dict[str, int | None],
    create_missing: frozenset[str],
) -> None:
    text, key = patch[name], name_key(patch[name])
    if text in ids or key in ids:
        patch[column] = ids.get(text, ids.get(key))
        if patch[column] is None:
            errors[name] = [_("More than one is called so.")]
    elif name not in create_missing or target.write_permission not in context.actor.permissions:
        errors[name] = [_("There is no %(name)s.", name=text)]
    else:
        try:
            hints = {"category_id": patch.get("category_id")} if "category_id" in target.writable else {}
            patch[column] = ids[key] = make_named(context, target, text, hints)
        except Invalid as error:
            errors[name] = [message for found in error.errors.values() for message in found]


def _waves(
    resource: Resource, loaded: list[tuple[Any, Item, Errors]], key: str
) -> list[list[tuple[Any, Item, Errors]]]:
    """Return the items in groups in which no key stands twice, so that duplicates take effect in order."""
    waves: list[list[tuple[Any, Item, Errors]]] = []
    seen: dict[str, int] = {}
    for entry in loaded:
        given = entry[1].get(key)
        wave = 0
        if isinstance(given, str):
            value = compared(resource, key, given)
            wave = seen.get(value, 0)
            seen[value] = wave + 1
        while len(waves) <= wave:
            waves.append([])
        waves[wave].append(entry)
    return waves
