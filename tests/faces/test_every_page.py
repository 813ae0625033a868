"""The pages of every registered resource: they show what is there, keep what was typed, and write what was asked."""

import csv
import io
import json
from decimal import Decimal

import pytest
from markupsafe import escape
from python_calamine import CalamineWorkbook

from tests.factories import (
    CHANGES,
    RESOURCES,
    SHARED,
    fill,
    form_of,
    guarded,
    having,
    make,
    make_held,
    patch_for,
    workshop,
)
from tests.markup import Page
from tests.snapshots import snapshot
from webapp.core.database import key_of

LISTED, SHOWN = having("list", face="pages"), having("get", face="pages")
MADE, CHANGED = having("create", face="pages"), having("update", face="pages")
GONE, BACK = having("delete", face="pages"), having("delete", "restore", face="pages")
TYPED = {"amount": "twelve", "day": "2026-02-30", "whole": "x", "text": "x" * 10_001, "longtext": "x" * 10_001}
QUIET = {"guid", "currency"}  # a currency stands in its amount
GUARDED = [found for found in guarded() if found[2] in GONE and found[0] in LISTED]


def named(*values):
    return "-".join(str(getattr(value, "name", value)) for value in values)


def each(resources):
    return pytest.mark.parametrize("resource", resources, ids=lambda resource: resource.name)


def over(pairs, names):
    return pytest.mark.parametrize(names, pairs, ids=[named(*pair) for pair in pairs])


def read(client, path, status=200, **kwargs):
    answer = client.get(path, **kwargs)
    assert answer.status_code == status, answer.get_data(as_text=True)
    return Page(answer)


def send(client, path, fields, status=303):
    answer = client.post(path, data=fields)
    assert answer.status_code == status, answer.get_data(as_text=True)
    return answer


def row_of(api, resource, row_id):
    answer = api.get(f"{resource.name}/{row_id}")
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.json["data"]


def count_of(api, resource):
    return api.get(resource.name).json["pagination"]["total"]


def alike(resource, name, left, right):
    if resource.fields[name].kind == "amount" and None not in (left, right):
        return Decimal(left) == Decimal(right)
    return left == right


def texts_of(resource, row):
    return [
        row[n] for n, item in resource.stored.items() if item.kind in {"text", "longtext"} and row[n] and n not in QUIET
    ]


@each(LISTED)
def test_a_list_shows_every_row_by_its_name(client, api, organization, resource):
    ids = fill(organization, resource.name, 3)

    html = read(client, f"/{resource.name}").html

    for row_id in ids:
        assert f'data-row="{row_id}"' in html
        assert str(escape(row_of(api, resource, row_id)[resource.label])) in html


@each(LISTED)
def test_a_list_answers_whatever_its_address_says(client, organization, resource, subtests):
    make(organization, resource.name)

    for query in ("panel=filter", "panel=columns", "q=apple", "deleted=true", "nothing=1", "page=x"):
        with subtests.test(query):
            assert str(resource.title) in read(client, f"/{resource.name}?{query}").text


@each(LISTED)
def test_a_fragment_is_the_rows_alone(client, organization, resource):
    row_id = make(organization, resource.name)

    html = read(client, f"/{resource.name}", headers={"HX-Request": "true", "HX-Target": "rows"}).html

    assert f'data-row="{row_id}"' in html
    assert "<html" not in html


@each(LISTED)
def test_an_export_holds_every_row(client, api, organization, resource, subtests):
    ids = fill(organization, resource.name, 3)
    labels, count = {row_of(api, resource, row_id)[resource.label] for row_id in ids}, count_of(api, resource)

    for ending in ("csv", "xlsx", "jsonl"):
        with subtests.test(ending):
            answer = client.get(f"/{resource.name}/export.{ending}?fields={resource.label},id")

            cells = cells_of(answer, ending)
            assert labels <= {str(row[0]) for row in cells[1:]}
            assert len(cells) - 1 == count


def cells_of(answer, ending):
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].startswith("attachment")
    if ending == "jsonl":
        rows = [json.loads(line) for line in answer.get_data().splitlines()]
        label = next(name for name in rows[0] if name not in {"id", "guid"})
        return [[label, "id"], *([row[label], row["id"]] for row in rows)]
    if ending == "csv":
        return list(csv.reader(io.StringIO(answer.get_data().decode("utf-8-sig"))))
    return CalamineWorkbook.from_filelike(io.BytesIO(answer.get_data())).get_sheet_by_index(0).to_python()


@each(LISTED)
def test_a_picker_offers_what_it_is_asked_for(client, api, organization, resource):
    row_id = fill(organization, resource.name, 3)[-1]
    label = str(row_of(api, resource, row_id)[resource.label])

    everything, found = (client.get(f"/{resource.name}/choices", query_string={"q": q}).json for q in ("", label))

    assert str(row_id) in {item["value"] for item in everything}
    assert {item["value"] for item in found} >= {str(row_id)}
    assert all(key_of(label.split()[-1]) in key_of(item["text"]) for item in found)


@each(SHOWN)
def test_a_detail_page_shows_every_text_and_runs_none(client, api, organization, resource):
    for row_id in fill(organization, resource.name, 3):
        row = row_of(api, resource, row_id)

        html = read(client, f"/{resource.name}/{row_id}").html

        assert [text for text in texts_of(resource, row) if str(escape(text)) not in html] == []
        assert "<b>door</b>" not in html


@pytest.mark.parametrize("path", ["", "/edit", "/delete", "/history"])
def test_a_page_of_nothing_is_not_found(client, path, subtests):
    for resource in SHOWN:
        with subtests.test(resource.name):
            assert "There is nothing here" in read(client, f"/{resource.name}/999999999{path}", 404).text


@each(MADE)
def test_what_is_typed_into_an_empty_form_is_made(client, api, organization, resource):
    patch = patch_for(organization, resource.name)
    form = read(client, f"/{resource.name}/new").form

    answer = send(client, f"/{resource.name}/new", form | form_of(patch))

    row = row_of(api, resource, answer.location.rpartition("/")[2])
    assert all(alike(resource, name, row[name], value) for name, value in patch.items())


@each(MADE)
def test_the_same_form_sent_twice_makes_one(client, api, organization, resource):
    form = read(client, f"/{resource.name}/new").form | form_of(patch_for(organization, resource.name))
    count = count_of(api, resource)

    first, second = (send(client, f"/{resource.name}/new", form) for _ in range(2))

    assert first.location == second.location
    assert count_of(api, resource) == count + 1


@each(MADE)
def test_a_wrong_form_comes_back_with_what_was_typed_and_a_word_at_the_field(client, organization, resource):
    good, empty = patch_for(organization, resource.name), read(client, f"/{resource.name}/new").form
    before = snapshot(organization)

    for name, item in resource.writable.items():
        if item.kind in TYPED:
            patch = good | {name: TYPED[item.kind]}
            page = Page(send(client, f"/{resource.name}/new", empty | form_of(patch), 422))

            assert set(page.errors) == {name}
            assert {field: page.form[field][-1] for field in patch} == form_of(patch)
    assert snapshot(organization) == before


@each(CHANGED)
def test_an_edit_changes_what_was_changed_in_the_form(client, api, organization, resource):
    row_id, change = make(organization, resource.name), CHANGES[resource.name]
    before, path = row_of(api, resource, row_id), f"/{resource.name}/{row_id}/edit"
    form = read(client, path).form

    send(client, path, form | form_of({name: value or "" for name, value in change.items()}))

    after = row_of(api, resource, row_id)
    assert {name: after[name] for name in resource.writable} == {n: before[n] for n in resource.writable} | change


@each(CHANGED)
def test_a_form_that_is_sent_as_it_came_changes_nothing(client, api, organization, resource):
    for row_id in fill(organization, resource.name, 4):
        before, path = row_of(api, resource, row_id), f"/{resource.name}/{row_id}/edit"

        send(client, path, read(client, path).form)

        assert row_of(api, resource, row_id) == before


@each(CHANGED)
def test_the_second_of_two_editors_sees_both_values_and_decides(client, api, organization, resource):
    row_id, change = make(organization, resource.name), CHANGES[resource.name]
    name = next(name for name, value in change.items() if isinstance(value, str))
    path = f"/{resource.name}/{row_id}/edit"
    form = read(client, path).form
    theirs, mine = ("11.50", "12.50") if resource.fields[name].kind == "amount" else ("Theirs", "Mine")
    send(client, path, form | {name: theirs})

    page = Page(send(client, path, form | {name: mine}, 412))

    assert f"Yours: {mine}" in page.text
    assert f"Theirs: {theirs}" in page.text
    send(client, path, page.form)
    assert row_of(api, resource, row_id)[name] == mine


@each(GONE)
def test_a_thing_is_deleted_after_a_question(client, api, organization, resource):
    row_id = make(organization, resource.name)
    path = f"/{resource.name}/{row_id}/delete"
    page = read(client, path)

    send(client, path, page.forms[path])

    assert api.get(f"{resource.name}/{row_id}").status_code == 404
    assert f'data-row="{row_id}"' not in read(client, f"/{resource.name}").html
    assert f'data-row="{row_id}"' in read(client, f"/{resource.name}?deleted=true").html


@each(BACK)
def test_a_deleted_thing_is_restored_from_its_page(client, api, organization, resource):
    row_id = make(organization, resource.name)
    before = row_of(api, resource, row_id)
    api.delete(f"{resource.name}/{row_id}")
    forms = read(client, f"/{resource.name}/{row_id}").forms

    send(client, f"/{resource.name}/{row_id}/restore", forms[f"/{resource.name}/{row_id}/restore"])

    after = row_of(api, resource, row_id)
    assert {n: after[n] for n in resource.writable} == {n: before[n] for n in resource.writable}


@over(GUARDED, ("other", "column", "target"))
def test_what_is_in_use_says_where_and_stays(client, api, organization, other, column, target):
    held = make_held(organization, other, column, target)
    path = f"/{target.name}/{held}/delete"

    for page in (read(client, path), Page(send(client, path, {}, 409))):
        assert f"/{other.name}?{column}={held}" in page.html
    assert row_of(api, target, held)
    assert read(client, f"/{other.name}?{column}={held}").html.count("data-row=") == 1


@each(CHANGED)
def test_the_history_page_tells_what_was_done(client, api, organization, resource):
    row_id = make(organization, resource.name)
    api.patch(f"{resource.name}/{row_id}", CHANGES[resource.name])

    text = read(client, f"/{resource.name}/{row_id}/history").text

    assert "created it" in text
    assert "through the API" in text
    assert all(value in text for value in CHANGES[resource.name].values() if isinstance(value, str))


@each(CHANGED)
def test_a_change_is_undone_from_the_history(client, api, organization, resource):
    row_id = make(organization, resource.name)
    before = row_of(api, resource, row_id)
    api.patch(f"{resource.name}/{row_id}", CHANGES[resource.name])
    line = api.get(f"{resource.name}/{row_id}/history").json["data"][0]

    send(client, f"/{resource.name}/{row_id}/undo", {"activity": line["id"]})

    after = row_of(api, resource, row_id)
    assert {n: after[n] for n in resource.writable} == {n: before[n] for n in resource.writable}


@each(CHANGED)
def test_a_bulk_edit_changes_the_ticked_field_of_each_row(client, api, organization, resource):
    ids, rest = fill(organization, resource.name, 2), make(organization, resource.name)
    single = {rule.field for rule in resource.unique}
    name, value = next(pair for pair in CHANGES[resource.name].items() if pair[0] not in single)
    path, other = f"/{resource.name}/bulk/edit", row_of(api, resource, rest)
    form = read(client, f"{path}?id={ids[0]}&id={ids[1]}").form

    send(client, path, form | {"apply": name, name: value or ""})

    assert [row_of(api, resource, row_id)[name] for row_id in ids] == [value, value]
    assert row_of(api, resource, rest) == other


@each(GONE)
def test_a_bulk_delete_takes_what_is_free_and_says_what_stays(client, api, organization, resource):
    ids = fill(organization, resource.name, 2)
    path = f"/{resource.name}/bulk/delete"
    page = read(client, f"{path}?id={ids[0]}&id={ids[1]}")

    send(client, path, page.forms[path])

    free = [row_id for row_id in ids if api.get(f"{resource.name}/{row_id}").status_code == 404]
    assert ids[-1] in free
    assert {line["event"] for line in api.get(f"{resource.name}/{ids[-1]}/history").json["data"]} == {
        "Create",
        "Delete",
    }


@each(MADE)
def test_a_form_offers_only_living_things_to_refer_to(client, api, organization, resource):
    for name, item in resource.references.items():
        if not item.dump_only:
            with workshop(organization) as shop:
                kept, gone = (
                    shop.make(item.target, **{n: v for n, v in SHARED.get(item.target, {}).items() if v is not None})
                    for _ in range(2)
                )
            api.delete(f"{item.target}/{gone}")

            html = read(client, f"/{resource.name}/new").html

            assert f'<option value="{kept}"' in html.partition(f'id="{name}"')[2].partition("</select>")[0]
            assert f'<option value="{gone}"' not in html.partition(f'id="{name}"')[2].partition("</select>")[0]
            assert RESOURCES[item.target].title
