"""Many rows at once, matched by a key: created, updated, unchanged or failed one by one, written as one (D8)."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from flask_babel import gettext as _
from marshmallow import Schema, ValidationError

from webapp.core.batch import plan_rows, write_rows
from webapp.core.context import Context
from webapp.core.custom import tailor
from webapp.core.database import key_of
from webapp.core.errors import Invalid, TooLarge
from webapp.core.fields import OwnFields, Text
from webapp.core.lookup import ids_by_name, make_named, name_key
from webapp.core.matching import Ambiguous, candidates, compared, meant, said_of
from webapp.core.resource import Resource, registry
from webapp.core.writes import Draft, Facts

ROW_LIMIT = 1_000
Item = dict[str, Any]
Errors = dict[str, list[str]]
Entry = tuple[Any, Item, Errors]
"""An item as it was sent, the patch that it comes to, and what is wrong with it."""


def sync(
    context: Context, resource: Resource, items: list[Any], create_missing: frozenset[str]
) -> dict[str, list[Item]]:
    """Upsert items by the resource's sync key and return {"created", "updated", "unchanged", "failed"}.

    Each item is an object of the resource's writable fields; a reference may be named in its sibling key instead, null
    there clears it. What another item of the request is called may be named, wherever that stands; a later item with
    the same key is planned on what the earlier one made of the row. Raises TooLarge and Invalid.
    """
    if len(items) > ROW_LIMIT:
        raise TooLarge(_("At most %(count)s rows at once.", count=ROW_LIMIT))
    resource, key = tailor(context, resource), str(resource.sync_key)
    result: dict[str, list[Item]] = {"created": [], "updated": [], "unchanged": [], "failed": []}
    loaded = _load(resource, items, key)
    own = [n for n, item in resource.names.items() if resource.fields[item.of].target == resource.name]
    for name in sorted(set(resource.names) - set(own), key=lambda name: (name != "category", name)):
        _put_ids(context, resource, loaded, name, create_missing)
    facts = Facts(context)
    for wave in _waves(context, resource, loaded, own, create_missing):
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


def makeable(resource: Resource) -> set[str]:
    """Return the names of references whose things can be made of their name alone, or of it and the item's category."""
    found = set()
    for name, item in resource.names.items():
        target = registry.resources[str(resource.fields[item.of].target)]
        needed = {n for n, field in target.writable.items() if field.required} - {"name", "category_id"}
        named = "make_named" in target.rules or (target.label == "name" and not needed)
        if item.of in resource.writable and "create" in target.api and named:
            found.add(name)
    return found


def _current(context: Context, resource: Resource, key: str, wave: list[Entry]) -> dict[int, Mapping[str, Any] | None]:
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


def _load(resource: Resource, items: list[Any], key: str) -> list[Entry]:
    """Return the items loaded; names of references stay in the patch until their ids are known, but for null."""
    schema = sync_schema(resource)
    loaded = []
    for item in items:
        try:
            patch, errors = schema.load(item), {}
        except ValidationError as error:
            patch, errors = {}, flat_messages(error.messages)
        if not errors and not patch.get(key):
            errors = {key: [_("This is needed.")]}
        for name, named in resource.names.items() if not errors else ():
            _check_name(resource, name, named.of, patch, errors)
        loaded.append((item, patch, errors))
    return loaded


def _check_name(resource: Resource, name: str, column: str, patch: Item, errors: Errors) -> None:
    """Fail an item that gives a reference twice, and clear the one that is named null."""
    if name not in patch:
        return
    if column in patch:
        errors[name] = [_("Give the name or the id, not both.")]
    elif patch[name] is None:
        patch[column] = patch.pop(name)
        if not resource.fields[column].allow_none:
            errors[name] = [_("This is needed.")]


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


def _put_ids(
    context: Context, resource: Resource, loaded: list[Entry], name: str, create_missing: frozenset[str]
) -> None:
    """Put ids for the names that items give of one reference; categories go first, to be there for their products."""
    column = resource.names[name].of
    named = [(patch, errors) for _item, patch, errors in loaded if not errors and name in patch]
    if not named:
        return
    target = registry.resources[str(resource.fields[column].target)]
    ids = ids_by_name(context, target, {p[name] for p, _e in named}, only=resource.offer(context, column, None))
    for patch, errors in named:
        _put_id(context, resource, name, patch, errors, ids, create_missing)


def _put_id(
    context: Context,
    resource: Resource,
    name: str,
    patch: Item,
    errors: Errors,
    ids: dict[str, int | None],
    create_missing: frozenset[str],
) -> None:
    reference = resource.references[resource.names[name].of]
    target = registry.resources[str(reference.target)]
    text = patch.pop(name)
    key = name_key(text)
    if text in ids or key in ids:
        patch[reference.column] = ids.get(text, ids.get(key))
        if patch[reference.column] is None:
            errors[name] = [_("More than one is called so.")]
    elif name not in create_missing or target.write_permission not in context.actor.permissions:
        errors[name] = [_("There is no %(name)s.", name=text)]
    else:
        try:
            hints = {"category_id": patch.get("category_id")} if "category_id" in target.writable else {}
            patch[reference.column] = ids[key] = make_named(context, target, text, {**hints, **reference.made_with})
        except Invalid as error:
            errors[name] = [message for found in error.errors.values() for message in found]


def _waves(
    context: Context, resource: Resource, loaded: list[Entry], own: list[str], create_missing: frozenset[str]
) -> Iterator[list[Entry]]:
    """Yield the items in groups that are written at once, so that each comes after what it needs.

    An item waits for those that are called what it names of its own kind; for any other while it names what is not
    there; and for an earlier one of its key, so that duplicates take effect in order.
    """
    left, key = loaded, str(resource.sync_key)
    while left:
        chosen: list[Entry] = []
        held: set[Any] = set()
        waits = _waits(context, resource, left, own)
        least = min(waits)
        for entry, wait in zip(left, waits, strict=True):
            value = None if entry[2] else compared(resource, key, entry[1][key])
            if entry[2] or (wait == least and value not in held):
                chosen.append(entry)
            else:
                held.add(value)
        chosen = chosen or left[:1]
        for name in own:
            _put_ids(context, resource, chosen, name, create_missing)
        wave = _different(resource, chosen)
        yield wave
        written = set(map(id, wave))
        left = [entry for entry in left if id(entry) not in written]


def _waits(context: Context, resource: Resource, left: list[Entry], own: list[str]) -> list[int]:
    """Return 0 of an item that can be written, 1 of one that names what is not there, 2 what is yet to be written."""
    named = {name: {patch[name] for _item, patch, errors in left if name in patch} for name in own}
    known = {name: ids_by_name(context, resource, texts) if texts else {} for name, texts in named.items()}
    called = Counter(key_of(str(patch.get(resource.label) or "")) for _item, patch, errors in left if not errors)

    def wait(patch: Item) -> int:
        mine = key_of(str(patch.get(resource.label) or ""))
        texts = [(name, patch[name], name_key(patch[name]).rpartition(" / ")[2]) for name in own if name in patch]
        if any(called[last] > (last == mine) for _name, _text, last in texts):
            return 2
        return int(any(text not in known[name] for name, text, _last in texts))

    return [0 if errors else wait(patch) for _item, patch, errors in left]


def _different(resource: Resource, chosen: list[Entry]) -> list[Entry]:
    """Return the first of the items that may mean the same row: of one key, alike in all that tells rows apart."""
    key = str(resource.sync_key)
    within = next((rule.within for rule in resource.unique if rule.field == key), ())
    told = [tuple(said_of(resource, column, patch) for column in within) for _item, patch, _errors in chosen]
    values = [None if errors else compared(resource, key, patch[key]) for _item, patch, errors in chosen]
    shapes: defaultdict[Any, set[tuple[bool, ...]]] = defaultdict(set)
    for value, said in zip(values, told, strict=True):
        shapes[value].add(tuple(part is None for part in said))
    wave, seen = [], set()
    for entry, value, said in zip(chosen, values, told, strict=True):
        identity = (value, said if len(shapes[value]) == 1 else ())
        if entry[2] or identity not in seen:
            wave.append(entry)
        seen.add(identity)
    return wave
