"""What holds for every registered resource through the API: reading, writing, refusing, undoing, telling."""

import uuid
from datetime import datetime
from decimal import Decimal

import pytest

from tests.factories import (
    CHANGES,
    RESOURCES,
    fill,
    fitting,
    guarded,
    having,
    make,
    make_held,
    patch_for,
)
from tests.households import found_organization, unique
from tests.snapshots import snapshot
from webapp.core.access import ROLES, permissions_of
from webapp.core.activity import is_recorded
from webapp.core.query import get_row
from webapp.faces.serialize import to_plain

WRONG = {
    "text": [17, True, ["a"], "\x00", "x" * 10_001],
    "longtext": [17, {"a": 1}, "\x00", "x" * 10_001],
    "whole": ["x", True, 1.5, -1, 10**12, "12"],
    "url": [17, True, "example.org", "javascript:alert(1)", "ftp://example.org", "https://user@example.org"],
    "number": ["x", True, "NaN", "1.0000001", "1e30", float("1e30")],
    "amount": ["x", True, "NaN", "-1", "1.00001", "1e30", float("1e30")],
    "day": ["x", 17, "2026-02-30", "2026-1-1", "20260101"],
    "moment": ["x", 17, "2026-02-30T00:00:00Z"],
    "flag": ["x", 17, "true", None],
    "choice": ["nothing of the list", 17, True],
    "reference": ["x", True, -1, 0, 1.5, 2**63, 2**70],
    "codes": ["x", 17, [1]],
}
MADE, CHANGED, GONE = having("create"), having("update"), having("delete")
BACK = having("delete", "restore")
REFERRING = [resource for resource in MADE if any(not item.dump_only for item in resource.references.values())]
UNIQUES = [(r, rule) for r in MADE for rule in r.unique if rule.field in r.writable]
GUARDED = guarded()


def named(*values):
    return "-".join(str(getattr(value, "name", getattr(value, "field", repr(value)[:20]))) for value in values)


def over(pairs, names):
    return pytest.mark.parametrize(names, pairs, ids=[named(*pair) for pair in pairs])


def each(resources):
    return pytest.mark.parametrize("resource", resources, ids=lambda resource: resource.name)


def references_of(resource):
    """Return the names of a resource's references that a client may set."""
    return [name for name, item in resource.references.items() if not item.dump_only]


def data_of(answer, status=200):
    assert answer.status_code == status, answer.get_data(as_text=True)
    return answer.json["data"]


def faults_of(answer, status=422):
    assert answer.status_code == status, answer.get_data(as_text=True)
    assert answer.mimetype == "application/problem+json"
    return {error["field"] for error in answer.json.get("errors", [])}


def url(resource, row_id, act=""):
    return f"{resource.name}/{row_id}{act}"


def etag_of(answer):
    return answer.headers["ETag"]


def alike(resource, name, left, right):
    if resource.fields[name].kind in {"amount", "number"} and None not in (left, right):
        return Decimal(str(left)) == Decimal(str(right))
    return left == right


@each(MADE)
def test_what_is_created_can_be_read_back_and_listed(api, organization, resource):
    patch = patch_for(organization, resource.name)

    answer = api.post(resource.name, patch)

    row = data_of(answer, 201)
    assert answer.headers["Location"] == f"/api/v1/{resource.name}/{row['id']}"
    assert all(alike(resource, name, row[name], value) for name, value in patch.items())
    assert data_of(api.get(url(resource, row["id"]))) == row
    assert row in data_of(api.get(f"{resource.name}?per_page=1000"))


@each(having("get"))
def test_the_serializer_says_what_the_schema_says(organization, resource):
    row_id = make(organization, resource.name)
    with organization.context() as context:
        row = get_row(context, resource, row_id)

    ours, theirs = to_plain(resource, row), resource.schema_for().dump(row)

    assert set(ours) == set(theirs) == set(resource.fields)
    for name, item in resource.fields.items():
        if item.kind != "moment":
            assert alike(resource, name, ours[name], theirs[name])
        elif theirs[name]:
            assert datetime.fromisoformat(ours[name]) == datetime.fromisoformat(theirs[name])


@each(CHANGED)
def test_an_edit_changes_what_was_sent_and_nothing_else(api, organization, resource):
    row_id, change = make(organization, resource.name), CHANGES[resource.name]
    before = data_of(api.get(url(resource, row_id)))

    after = data_of(api.patch(url(resource, row_id), change))

    assert {name: after[name] for name in change} == change
    assert after == data_of(api.get(url(resource, row_id)))
    assert after["version"] == before["version"] + 1
    assert after["updated_at"] > before["updated_at"]
    same = set(after) - set(change) - {"version", "updated_at"}
    assert {name: after[name] for name in same} == {name: before[name] for name in same}


@each(CHANGED)
def test_an_edit_that_says_what_is_changes_nothing(api, organization, resource):
    row_id = make(organization, resource.name)
    before = data_of(api.get(url(resource, row_id)))
    lines = data_of(api.get(url(resource, row_id, "/history")))

    for patch in ({}, {name: before[name] for name in resource.writable}):
        assert data_of(api.patch(url(resource, row_id), patch)) == before

    assert data_of(api.get(url(resource, row_id, "/history"))) == lines


@each(MADE)
def test_a_value_of_the_wrong_kind_is_refused_by_its_name(api, organization, resource):
    patch = patch_for(organization, resource.name)
    before = snapshot(organization)

    for name, item in resource.writable.items():
        for value in WRONG[item.kind]:
            assert faults_of(api.post(resource.name, patch | {name: value})) == {name}, value
    assert snapshot(organization) == before


@each(MADE)
def test_an_unknown_key_is_refused_by_its_name(api, organization, resource):
    row_id, patch = make(organization, resource.name), patch_for(organization, resource.name)
    before = snapshot(organization)

    assert faults_of(api.post(resource.name, patch | {"colour": "red"})) == {"colour"}
    assert faults_of(api.patch(url(resource, row_id), {"colour": "red"})) == {"colour"}
    assert snapshot(organization) == before


@each(MADE)
def test_what_the_server_sets_cannot_be_sent(api, organization, resource):
    row_id, patch = make(organization, resource.name), patch_for(organization, resource.name)

    for name in resource.fields.keys() - resource.writable.keys():
        assert faults_of(api.post(resource.name, patch | {name: None})) == {name}
        assert faults_of(api.patch(url(resource, row_id), {name: None})) == {name}


@each(MADE)
def test_a_required_field_is_missed_by_its_name(api, organization, resource, subtests):
    patch = patch_for(organization, resource.name)

    for name in [name for name, item in resource.writable.items() if item.required]:
        with subtests.test(name):
            for said in ({k: v for k, v in patch.items() if k != name}, patch | {name: None}, patch | {name: ""}):
                assert faults_of(api.post(resource.name, said)) == {name}


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [("{", "application/json", 400), ("[]", "application/json", 422), ("null", "application/json", 422),
     ('"x"', "application/json", 422), ("\xff", "application/json", 400), ("a=1", "text/plain", 415),
     ("[" * 100_000, "application/json", 400)],
)  # fmt: skip
def test_a_body_that_is_no_object_is_refused(api, body, kind, status):
    for resource in MADE:
        answer = api.post(resource.name, data=body.encode("latin-1"), headers={"Content-Type": kind})

        faults_of(answer, status)


@each(REFERRING)
def test_the_id_of_another_organization_does_not_exist(api, organization, other_organization, resource, subtests):
    row_id = make(organization, resource.name)
    for name in references_of(resource):
        with subtests.test(name):
            foreign = make(other_organization, resource.fields[name].target)
            patch = patch_for(organization, resource.name) | fitting(resource, name)
            before = snapshot(organization), snapshot(other_organization)

            assert faults_of(api.post(resource.name, patch | {name: foreign})) == {name}
            assert faults_of(api.patch(url(resource, row_id), {name: foreign})) == {name}
            assert (snapshot(organization), snapshot(other_organization)) == before


@each(REFERRING)
def test_the_id_of_a_deleted_thing_does_not_exist(api, organization, resource, subtests):
    for name in references_of(resource):
        with subtests.test(name):
            target = resource.fields[name].target
            gone = make(organization, target)
            api.delete(f"{target}/{gone}")

            patch = patch_for(organization, resource.name) | fitting(resource, name)
            assert faults_of(api.post(resource.name, patch | {name: gone})) == {name}


@each(GONE)
def test_what_is_deleted_is_gone_until_it_is_asked_for(api, organization, resource):
    row_id = make(organization, resource.name)

    assert api.delete(url(resource, row_id)).status_code == 204

    assert api.get(url(resource, row_id)).status_code == 404
    assert api.delete(url(resource, row_id)).status_code == 404
    assert api.patch(url(resource, row_id), {}).status_code == 404
    assert row_id not in [row["id"] for row in data_of(api.get(resource.name))]
    assert [row["id"] for row in data_of(api.get(f"{resource.name}?deleted=true"))] == [row_id]


@each([r for r in BACK if r.search])
def test_search_finds_the_deleted_among_the_deleted_only(api, organization, resource):
    row_id = make(organization, resource.name)
    word = str(data_of(api.get(url(resource, row_id)))[resource.search[0]])
    api.delete(url(resource, row_id))

    living, deleted = (
        [row["id"] for row in data_of(api.get(resource.name, query_string={"q": word, "deleted": said}))]
        for said in ("false", "true")
    )

    assert row_id not in living
    assert deleted == [row_id]


@each(BACK)
def test_what_is_restored_is_as_it_was(api, organization, resource):
    row_id = make(organization, resource.name)
    before = data_of(api.get(url(resource, row_id)))
    api.delete(url(resource, row_id))

    after = data_of(api.post(url(resource, row_id, "/restore")))

    moved = {"version": before["version"] + 2, "updated_at": after["updated_at"]}
    assert after == before | moved
    assert after in data_of(api.get(resource.name))
    assert api.post(url(resource, row_id, "/restore")).status_code == 404


@each(GONE)
def test_the_total_follows_every_write(api, organization, resource):
    ids = fill(organization, resource.name, 3)
    total = api.get(resource.name).json["pagination"]["total"]
    steps = [("DELETE", "", -1)] + ([("POST", "/restore", 0)] if resource in BACK else [])

    assert total == len(data_of(api.get(f"{resource.name}?per_page=1000")))
    for method, act, difference in steps:
        api.request(method, url(resource, ids[-1], act))
        assert api.get(resource.name).json["pagination"]["total"] == total + difference


@over(UNIQUES, ("resource", "rule"))
def test_a_taken_value_is_refused_by_its_name(api, organization, resource, rule):
    patch = complete(organization, resource, rule.field)
    data_of(api.post(resource.name, patch), 201)
    twice = apart(organization, resource, rule, patch) | {rule.field: patch[rule.field].upper()}
    before = snapshot(organization)

    assert faults_of(api.post(resource.name, twice)) == {rule.field}
    assert snapshot(organization) == before


@over([pair for pair in UNIQUES if pair[0] in BACK], ("resource", "rule"))
def test_a_restore_onto_a_taken_value_names_the_holder(api, organization, resource, rule):
    patch = complete(organization, resource, rule.field)
    first = data_of(api.post(resource.name, patch), 201)["id"]
    api.delete(url(resource, first))
    second = data_of(api.post(resource.name, apart(organization, resource, rule, patch)), 201)

    answer = api.post(url(resource, first, "/restore"))

    assert answer.status_code == 409, answer.get_data(as_text=True)
    assert str(second[resource.label]) in answer.json["detail"]


def complete(organization, resource, name):
    """Return a patch that says a field which factories leave out now and then."""
    while name not in (patch := patch_for(organization, resource.name)):
        pass
    return patch


def apart(organization, resource, rule, patch):
    """Return a patch that agrees with another in what one rule looks at, and in nothing that others do."""
    kept = {name: value for name, value in patch.items() if is_free(resource, rule, name)}
    fresh = patch_for(organization, resource.name)
    return kept | {n: fresh[n] for n in fresh if n not in kept and resource.fields[n].required}


def is_free(resource, rule, name):
    """Tell whether a field is no other rule's unique one."""
    return name == rule.field or name not in {other.field for other in resource.unique}


@over(GUARDED, ("other", "column", "target"))
def test_what_is_in_use_stays_and_says_where(api, organization, other, column, target):
    held = make_held(organization, other, column, target)

    answer = api.delete(url(target, held))

    assert answer.status_code == 409
    blocker = {"resource": other.name, "count": 1, "url": f"/api/v1/{other.name}?{column}={held}"}
    assert blocker in answer.json["blockers"]
    assert len(data_of(api.get(blocker["url"]))) == 1
    assert api.get(url(target, held)).status_code == 200


@each([r for r in MADE if r in BACK])
def test_the_history_tells_who_did_what_field_by_field(api, organization, resource):
    row = data_of(api.post(resource.name, patch_for(organization, resource.name)), 201)
    after = data_of(api.patch(url(resource, row["id"]), CHANGES[resource.name]))
    api.delete(url(resource, row["id"]))
    api.post(url(resource, row["id"], "/restore"))

    lines = data_of(api.get(url(resource, row["id"], "/history")))

    assert [line["event"] for line in lines] == ["Restore", "Delete", "Update", "Create"]
    assert {(line["actor_name"], line["face"]) for line in lines} == {(api.get("me").json["data"]["name"], "api")}
    assert len({line["change_set_id"] for line in lines}) == 4
    assert changes_of(lines[2]) == expected_changes(resource, row, after)
    assert changes_of(lines[3]).items() >= expected_changes(resource, {}, row).items()


def changes_of(line):
    return {change["field"]: (change["old"], change["new"]) for change in line["changes"]}


def expected_changes(resource, before, after):
    """Return {column: (old, new)} of the stored fields that differ, as the history writes them."""
    told = {name: item for name, item in resource.stored.items() if item.kind != "custom"}
    columns = {name: item.column for name, item in told.items() if is_recorded(item.column)}
    pairs = {column: (before.get(name), after[name]) for name, column in columns.items()}
    return {column: tuple(map(plain, pair)) for column, pair in pairs.items() if pair[0] != pair[1]}


def plain(value):
    """Return an amount without the zeros that the API shows for people, and a decimal number as the log writes it."""
    if isinstance(value, float):
        return str(value)
    return value.rstrip("0").rstrip(".") if isinstance(value, str) and value[-3:-2] == "." else value


@each(CHANGED)
def test_the_second_of_two_editors_is_told(api, organization, resource):
    row_id, change = make(organization, resource.name), CHANGES[resource.name]
    read = api.get(url(resource, row_id))
    written = api.patch(url(resource, row_id), change, headers={"If-Match": etag_of(read)})
    second = api.patch(url(resource, row_id), change, headers={"If-Match": etag_of(read)})

    assert data_of(written)["version"] == data_of(read)["version"] + 1
    assert etag_of(written) != etag_of(read)
    assert second.status_code == 412
    assert second.json["version"] == data_of(written)["version"]
    assert data_of(api.get(url(resource, row_id))) == data_of(written)
    assert api.patch(url(resource, row_id), {}, headers={"If-Match": "*"}).status_code == 200


@each(GONE)
def test_a_stale_delete_deletes_nothing(api, organization, resource, subtests):
    row_id = make(organization, resource.name)

    for tag in ('"0"', '"x"', 'W/"99"', '"1", "2"', '""', 'W/"", ""'):
        with subtests.test(tag):
            assert api.delete(url(resource, row_id), headers={"If-Match": tag}).status_code == 412
            assert api.get(url(resource, row_id)).status_code == 200


@each(MADE)
def test_a_post_sent_three_times_has_one_effect_and_one_answer(api, organization, resource):
    patch, headers = patch_for(organization, resource.name), {"Idempotency-Key": str(uuid.uuid4())}
    count = len(data_of(api.get(f"{resource.name}?per_page=1000")))

    answers = [api.post(resource.name, patch, headers=headers) for _ in range(3)]

    assert len({(a.status_code, a.get_data(), a.headers["Location"], etag_of(a)) for a in answers}) == 1
    assert [a.headers.get("Idempotent-Replayed") for a in answers] == [None, "true", "true"]
    assert len(data_of(api.get(f"{resource.name}?per_page=1000"))) == count + 1
    assert faults_of(api.post(resource.name, patch | {"notes": "other"}, headers=headers)) == {"Idempotency-Key"}


@each(MADE)
def test_a_refused_post_may_be_mended_under_the_same_key(api, organization, resource):
    patch, headers = patch_for(organization, resource.name), {"Idempotency-Key": str(uuid.uuid4())}

    faults_of(api.post(resource.name, {"colour": "red"}, headers=headers))

    data_of(api.post(resource.name, patch, headers=headers), 201)


@pytest.mark.parametrize("row_id", ["0", "999999999999999999", "9" * 30, "-1", "x", "1.0", "%00"])
def test_an_id_that_no_row_has_is_not_found(api, row_id):
    for resource in having("get"):
        answer = api.get(url(resource, row_id))

        assert answer.status_code == 404, resource.name
        assert answer.mimetype == "application/problem+json"


@pytest.fixture(scope="module")
def staff(app):
    """An organization, and a key for each role with just what the role may do."""
    household = found_organization(app, unique("Staff"))
    return household, {role: household.api_client(tuple(permissions_of(role))) for role in ROLES}


@each(list(RESOURCES.values()))
def test_a_role_reads_and_writes_what_it_was_declared_to(staff, resource, subtests):
    household, keys = staff
    for role in ROLES:
        may_read, may_write = role in resource.read_roles, role in resource.write_roles
        row_id = make(household, resource.name)
        asked = {"list": ("GET", ""), "get": ("GET", f"/{row_id}"), "history": ("GET", f"/{row_id}/history")}
        done = {"create": ("POST", ""), "update": ("PATCH", f"/{row_id}"), "delete": ("DELETE", f"/{row_id}")}

        for verb, (method, path) in (asked | done).items():
            if verb in resource.api:
                body = {} if verb in ("create", "update") else None
                with subtests.test(f"{role} {verb}"):
                    answer = keys[role].request(method, f"{resource.name}{path}", body)
                    assert (answer.status_code != 403) == (may_read if verb in asked else may_write)
