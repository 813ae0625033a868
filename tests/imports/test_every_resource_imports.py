"""What holds for every resource that a file may be imported into: an export comes back, and only edits are changes."""

import csv
import io
from typing import Any

import pytest

from tests.clients import PageClient
from tests.factories import RESOURCES, fill
from tests.imports.conftest import Importer
from tests.rows import add
from webapp.core.resource import Resource
from webapp.imports.targets import importable, targets_of

IMPORTED = (
    *("assets", "products", "categories", "manufacturers", "statuses", "depreciations", "custom-fields"),
    *("field-sets", "persons", "locations", "departments", "companies", "customers", "suppliers"),
)
NASTY = {
    "notes": "=1+1\nsecond line,  with; marks\n\n'third “line”",
    "name": '-Größe  "L",  a;b',
    "phone": "+49 (0)30 1",
}
RULED = {  # what a rule of the resource forbids or follows from another field, beside what a cell says
    "assets": {
        *("category", "parent", "status", "product", "model_number", "manufacturer", "location"),
        *("warranty_months", "currency", "latitude", "longitude"),
    },
    "products": {"end_of_life_rule"},
    "persons": {"manager"},
    "categories": {"kind", "parent"},
    "statuses": {"lifecycle", "label_type", "is_default_for_lifecycle"},
    "depreciations": {"method", "rate", "minimum_value", "minimum_percent"},
    "custom-fields": {"resource", "kind", "slug", "options", "default_value"},
    "field-sets": {"fields"},
    "locations": {"kind", "parent", "is_primary", "latitude", "longitude"},
}
FOLLOWS = {
    "purchase_cost": "currency",
    "purchased_on": "warranty_expires_on",
    "maintenance_interval_days": "next_maintenance_on",
    "last_maintained_on": "next_maintenance_on",
}
FIXED = {"email": "new@example.org", "country": "FR", "color": "#123456", "currency": "SEK", "zip": "=99"}


def table_of(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))


def column_of(resource: Resource, field: str) -> str:
    if field.startswith("custom."):
        return "custom"
    return resource.names[field].of if field in resource.names else resource.fields[field].column


def sheet(rows: list[list[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def edited(resource: Resource, name: str, cell: str, others: list[str]) -> tuple[str, Any] | None:
    """Return another cell for a field, and what it is kept as; None where a rule decides, or nothing else is there."""
    if name.startswith("custom."):
        return ("2.000", None) if name == "custom.weight" else ("=2", None)
    target, item = targets_of(resource)[name], resource.fields.get(name)
    if name in RULED.get(resource.name, ()) or target.part_of or target.kind == "carried":
        return None
    if target.refers_to:
        other = next((text for text in others if text not in ("", cell)), None)
        return other and (other, other)
    if target.kind in {"text", "longtext"}:
        new = next((new for end, new in FIXED.items() if name.endswith(end)), "@new, =text")
        return ("https://example.org/new",) * 2 if item.kind == "url" else (new, new)
    if target.kind == "flag":
        return ("false", False) if cell == "true" else ("true", True)
    if target.kind == "choice":
        other = next(code for code, word in target.words.items() if str(word) != cell)
        return str(target.words[other]), other
    return {"whole": ("3", 3), "day": ("2033-02-01", "2033-02-01"), "currency": ("SEK", "SEK")}.get(
        target.kind, ("3.125", "3.125")
    )


@pytest.fixture
def stocked(importer: Importer, request: pytest.FixtureRequest) -> Importer:
    """Return an organization with rows of a resource that hold everything: own fields, formulas, many lines."""
    name = request.getfixturevalue("name")
    resource = RESOURCES[name]
    if "custom" in resource.fields:
        with importer.organization.context() as context:
            add(context, "custom-fields", name="Own weight", slug="weight", resource=name, kind="number")
            add(context, "custom-fields", name="Name", slug="label", resource=name, kind="text")
            context.session.commit()
    ids = fill(importer.organization, name, len(targets_of(resource)) + 2)
    nasty = {field: text for field, text in NASTY.items() if field in resource.writable}
    own = {"custom": {"weight": 12.345, "label": "'=x"}} if "custom" in resource.fields else {}
    answer = importer.organization.api_client().patch(f"{name}/{ids[-1]}", {**nasty, **own})
    assert answer.status_code == 200, answer.json
    return importer


def test_what_can_be_imported_is_what_people_make_and_change(app):
    with app.app_context():
        assert {resource.name for resource in importable()} == set(IMPORTED)


@pytest.mark.parametrize("name", IMPORTED)
def test_an_export_comes_back_and_only_what_was_edited_changes(stocked: Importer, client: PageClient, name: str):
    for form in ("xlsx", "csv"):
        content = client.get(f"/{name}/export.{form}").data
        import_id = stocked.upload(content, f"{name}.{form}", resource=name)
        wrong = [(row["errors"], row["changes"]) for row in stocked.rows(import_id) if row["fate"] != "unchanged"]
        assert wrong == []
        assert stocked.get(import_id)["options"]["match"] == "guid"

    rows = table_of(content)
    fields = {index: field for index, field in stocked.get(import_id)["columns"].items() if field not in (None, "guid")}
    wanted = {}
    resource = RESOURCES[name]
    for number, (index, field) in enumerate(fields.items(), start=1):
        column = [row[int(index)] for row in rows[1:]]
        new = edited(resource, field, column[number - 1], column)
        if new is not None:
            rows[number][int(index)] = new[0]
            wanted[number + 1] = (field, new[1])
    import_id = stocked.upload(sheet(rows), resource=name)
    found = {row["number"]: row for row in stocked.rows(import_id) if row["fate"] != "unchanged"}

    for number, (field, value) in wanted.items():
        row, column = found.pop(number), column_of(resource, field)
        assert (row["fate"], row["errors"]) == ("update", {}), (field, row)
        changes = {c.partition(".")[0]: new for c, (_old, new) in row["changes"].items() if c != FOLLOWS.get(field)}
        assert list(changes) == [column], (field, row["changes"])
        assert value in (None, changes[column]), (field, changes)
    assert found == {}
