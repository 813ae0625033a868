"""Many rows at once come to what one after the other comes to, for every registered resource; and sync upserts them."""

import uuid

import pytest

from tests.factories import CHANGES, RESOURCES, SHARED, having, make, patch_for, workshop
from webapp.core.activity import history
from webapp.core.batch import find_rows, plan_rows, write_rows
from webapp.core.parameters import ListParameters
from webapp.core.query import list_rows
from webapp.core.totals import standing
from webapp.core.writes import create, delete, update
from webapp.faces.sync import makeable

MADE = having("create", "update", "delete")
SYNCED = [resource for resource in RESOURCES.values() if resource.sync_key]
OWN = {"id", "guid", "created_at", "updated_at", "deleted_at"}


def each(resources):
    return pytest.mark.parametrize("resource", resources, ids=lambda resource: resource.name)


def one_by_one(context, resource, patches, change):
    """Create rows, change each, delete the last, by single writes."""
    ids = [create(context, resource, patch) for patch in patches]
    for row_id in ids:
        update(context, resource, row_id, change)
    delete(context, resource, ids[-1])
    return ids


def all_at_once(context, resource, patches, change):
    """Do the same by the batch writer."""
    ids = write_rows(context, resource, plan_rows(context, resource, [(None, patch) for patch in patches]))
    rows = find_rows(context, resource, "id", ids)
    write_rows(context, resource, plan_rows(context, resource, [(rows[row_id], change) for row_id in ids]))
    last = plan_rows(context, resource, [(find_rows(context, resource, "id", ids)[ids[-1]], {})])
    last[0]["deleted_at"] = context.at
    write_rows(context, resource, last)
    return ids


def outcome(household, resource, write):
    """Return what an organization has after some writes: rows, history and totals, without what is only its own."""
    single = {rule.field for rule in resource.unique}
    change = {name: value for name, value in CHANGES[resource.name].items() if name not in single}
    with workshop(household) as shop:
        context, schema = shop.context, resource.schema_for()
        patches = [schema.load(shop.patch(resource.name)) for _ in range(6)]
        before = standing(context.session)[0].get(resource.table.name, 0)
        ids = write(context, resource, patches, resource.schema_for(partial=True).load(change))
        context.session.commit()
        rows = [
            row
            for deleted in (False, True)
            for row in list_rows(context, resource, ListParameters(per_page=1000, deleted=deleted)).rows
            if row["id"] in ids
        ]
        lines = [[(li["event"], quiet(resource, li)) for li in history(context, resource, row_id)] for row_id in ids]
        total = standing(context.session)[0][resource.table.name] - before
    kept = [name for name in resource.fields if name not in OWN | set(resource.references) | set(resource.throughs)]
    return [{name: row[name] for name in kept} for row in rows], lines, total


def quiet(resource, line):
    """Return a line's changes without ids and times, which differ between organizations."""
    columns = {item.column for item in resource.references.values()} | {"deleted_at"}
    columns |= {column.name for column in resource.table.c if column.foreign_keys}
    return {name: pair for name, pair in line["changes"].items() if name not in columns}


@each(MADE)
def test_a_batch_comes_to_what_single_writes_come_to(organization, other_organization, resource):
    assert outcome(organization, resource, one_by_one) == outcome(other_organization, resource, all_at_once)


@each([r for r in MADE if r.unique or any(not item.dump_only for item in r.references.values())])
def test_a_batch_tells_each_wrong_row_and_leaves_the_others(organization, other_organization, resource):
    name = next((name for name, item in resource.references.items() if not item.dump_only), None)
    with workshop(organization) as shop:
        good, bad = (resource.schema_for().load(shop.patch(resource.name)) for _ in range(2))
        bad = bad | ({name: 10**15} if name else {resource.unique[0].field: good[resource.unique[0].field]})

        drafts = plan_rows(shop.context, resource, [(None, good), (None, bad)])
        ids = write_rows(shop.context, resource, drafts)

    assert [bool(draft.errors) for draft in drafts] == [False, True]
    assert set(drafts[1].errors) == {name or resource.unique[0].field}
    assert len(ids) == 1


def sync(api, resource, items, **options):
    answer = api.post(f"{resource.name}/sync", {resource.name: items}, **options)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.json["data"]


def keyed(organization, resource, key, **given):
    return patch_for(organization, resource.name) | {resource.sync_key: key_for(resource, key)} | given


def key_for(resource, key):
    """Return a key as the resource's are: an e-mail's looks like an address."""
    return f"{key}@example.org" if resource.sync_key == "email" else key


def keys_of(resource, found):
    return {fate: [item[resource.sync_key].partition("@")[0] for item in items] for fate, items in found.items()}


@each(SYNCED)
def test_a_sync_creates_updates_and_leaves_by_its_key(api, organization, resource):
    same, changed, new = (keyed(organization, resource, key) for key in ("A-1", "A-2", "A-3"))
    sync(api, resource, [same, changed])

    found = sync(api, resource, [same, changed | {"notes": "Moved"}, new])

    expected = {"created": ["A-3"], "updated": ["A-2"], "unchanged": ["A-1"], "failed": []}
    assert keys_of(resource, found) == expected


@each(SYNCED)
def test_a_sync_says_each_failure_by_its_field_and_writes_the_rest(api, organization, resource):
    good, bad = (keyed(organization, resource, key) for key in ("B-1", "B-2"))

    found = sync(api, resource, [bad | {"colour": "red"}, bad | {"notes": 17}, {"notes": "no key"}, good])

    assert [item[resource.sync_key] for item in found["created"]] == [key_for(resource, "B-1")]
    assert [[error["field"] for error in item["errors"]] for item in found["failed"]] == [
        ["colour"],
        ["notes"],
        [resource.sync_key],
    ]


@each(SYNCED)
def test_a_key_that_stands_twice_takes_effect_in_order(api, organization, resource):
    first = keyed(organization, resource, "C-1", notes="first")

    found = sync(api, resource, [first, {resource.sync_key: first[resource.sync_key], "notes": "second"}])

    assert keys_of(resource, found) == {"created": ["C-1"], "updated": ["C-1"], "unchanged": [], "failed": []}
    row = api.get(f"{resource.name}/{found['updated'][0]['id']}").json["data"]
    assert row["notes"] == "second"


@each(SYNCED)
def test_a_sync_sent_again_has_one_effect(api, organization, resource):
    items, headers = [keyed(organization, resource, "D-1")], {"Idempotency-Key": str(uuid.uuid4())}

    answers = [sync(api, resource, items, headers=headers) for _ in range(3)]

    assert answers[0] == answers[1] == answers[2]
    assert keys_of(resource, answers[0])["created"] == ["D-1"]


@each(SYNCED)
def test_a_sync_names_what_it_refers_to(api, organization, resource):
    for name, target in named(resource):
        row_id = make(organization, target, **SHARED.get(target, {}) | OUTERMOST.get(target, {}))
        label = api.get(f"{target}/{row_id}").json["data"][RESOURCES[target].label]
        item = unnamed(resource, keyed(organization, resource, f"E-{name}")) | {name: label}

        found = sync(api, resource, [item], query_string=asking(resource))

        assert [item["errors"] for item in found["failed"]] == []
        assert api.get(f"{resource.name}/{found['created'][0]['id']}").json["data"][f"{name}_id"] == row_id


@each(SYNCED)
def test_a_sync_takes_a_reference_away_that_is_named_null(api, organization, resource):
    name = CLEARED[resource.name]
    column = resource.names[name].of
    item = unnamed(resource, keyed(organization, resource, "G-1")) | {name: f"Never seen {name}"}
    row_id = sync(api, resource, [item], query_string=asking(resource, name))["created"][0]["id"]
    same = {resource.sync_key: item[resource.sync_key]}

    twice = sync(api, resource, [same | {name: "Never seen", column: None}])
    cleared = sync(api, resource, [same | {name: None}])

    assert [error["field"] for error in twice["failed"][0]["errors"]] == [name]
    assert [item["id"] for item in cleared["updated"]] == [row_id]
    assert api.get(f"{resource.name}/{row_id}").json["data"][column] is None


@each(SYNCED)
def test_a_sync_makes_what_is_missing_only_when_asked(api, organization, resource):
    for name, _target in named(resource):
        item = unnamed(resource, keyed(organization, resource, f"F-{name}")) | {name: f"Never seen {name}"}
        others = "" if name == "category" else asking(resource)["create_missing"]

        refused = sync(api, resource, [item], query_string={"create_missing": others})["failed"]

        assert [error["field"] for error in refused[0]["errors"]] == [name]
        if name in makeable(resource):
            made = sync(api, resource, [item], query_string=asking(resource, name))
            assert keys_of(resource, made)["created"] == [f"F-{name}"]
        else:
            answer = api.post(f"{resource.name}/sync", {resource.name: []}, query_string={"create_missing": name})
            assert answer.status_code == 422


def test_what_is_more_than_a_name_is_not_made_by_a_sync():
    """A lifecycle and type, the terms of a depreciation and what a container is are not to be guessed."""
    left = {(r.name, name) for r in SYNCED for name, _target in named(r) if name not in makeable(r)}

    assert left == {
        ("assets", "status"),
        ("assets", "parent"),
        ("assets", "depreciation"),
        ("products", "depreciation"),
    }


@each(SYNCED)
def test_too_many_rows_are_refused_whole(api, resource):
    answer = api.post(f"{resource.name}/sync", {resource.name: [{}] * 1001})

    assert answer.status_code == 413


CLEARED = {
    "assets": "location",
    "persons": "department",
    "products": "field_set",
    "locations": "manager",
    "departments": "location",
}  # what does not tell two of a key apart
OUTERMOST = {"locations": {"kind": "site"}}


def named(resource):
    """Return (name field, resource that it names) of what an item may name."""
    return [(n, resource.fields[i.of].target) for n, i in resource.names.items() if i.of in resource.writable]


def unnamed(resource, item):
    """Return an item that refers to nothing but a category, where the resource needs one; a place fits into any."""
    bare = {name: value for name, value in item.items() if name not in resource.references}
    needed = {"category": "Cameras"} if "category" in resource.names else {}
    return needed | bare | ({"kind": "bin"} if resource.name == "locations" else {})


def asking(resource, *names):
    """Return the query that has missing categories made, where there are such, and what else is named."""
    return {"create_missing": ",".join([*sorted({"category"} & makeable(resource)), *names])}
