"""What the pages of persons, departments and companies say of the people around them."""

from collections.abc import Mapping
from typing import Any

from flask import url_for
from flask_babel import lazy_gettext as _l

from webapp.core.context import Context
from webapp.core.parameters import Filter, ListParameters
from webapp.core.query import list_rows
from webapp.core.resource import Panel, registry
from webapp.faces.rendering import initials_of, tone_of

SHOWN = 8
FIELDS = ("name", "title", "is_archived")


def people_by(context: Context, field: str, row_id: int) -> Mapping[str, Any]:
    """Return the first people who have a row in a field and have not left, how many there are, and where all stand."""
    resource = registry.resources["persons"]
    filters = (
        Filter(field, field, "eq", row_id, field, str(row_id)),
        Filter("is_archived", "is_archived", "eq", False, "is_archived", "false"),
    )
    parameters = ListParameters(filters=filters, sort=(("name", False),), per_page=SHOWN)
    found = list_rows(context, resource, parameters, fields=FIELDS)
    where: dict[str, Any] = {field: row_id, "is_archived": "false"}
    return {
        "people": [person_card(row) for row in found.rows],
        "more": max(0, found.total - len(found.rows)),
        "url": url_for("persons.index", **where),
    }


def person_card(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a list of people draws of one."""
    return {
        "name": row["name"],
        "meta": row["title"] or "",
        "url": url_for("persons.detail", row_id=row["id"]),
        "initials": initials_of(row["name"]),
        "tone": tone_of(row["id"]),
    }


def reports_of(context: Context, row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the people whom a person manages, nothing for who manages nobody."""
    found = people_by(context, "manager_id", row["id"])
    return found if found["people"] else {}


def people_of_department(context: Context, row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the people of a department."""
    return people_by(context, "department_id", row["id"])


def people_of_company(context: Context, row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the people of a company."""
    return people_by(context, "company_id", row["id"])


def _panel(resource: str, title: Any, query: Any) -> Panel:
    return Panel(
        resource=resource,
        slot="aside",
        title=title,
        query=query,
        template="persons/_people.html",
        permission="persons:read",
        order=10,
    )


PANELS = (
    _panel("persons", _l("Manages"), reports_of),
    _panel("departments", _l("Who belongs to it"), people_of_department),
    _panel("companies", _l("Who works for it"), people_of_company),
)
