"""What the page of a category says of its parts."""

from collections.abc import Mapping
from typing import Any

from flask import url_for
from flask_babel import lazy_gettext as _l

from webapp.core.access import can
from webapp.core.context import Context
from webapp.core.labels import label_rows
from webapp.core.resource import Panel


def parts_of_category(context: Context, row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the subcategories of a category by name, and where one more is made."""
    rows = label_rows(context, "categories")
    parts = [(i, found) for i, found in rows.items() if found["parent_id"] == row["id"] and not found["deleted_at"]]
    parts.sort(key=lambda pair: str(pair[1]["name"]).casefold())
    may_add = row.get("parent_id") is None and not row.get("deleted_at") and can(context.actor, "categories:write")
    new = url_for("categories.create", parent_id=row["id"], kind=row["kind"])
    return {
        "parts": [{"name": found["name"], "url": url_for("categories.detail", row_id=i)} for i, found in parts],
        "is_part": row.get("parent_id") is not None,
        "new_url": new if may_add else None,
    }


PANELS = (
    Panel(
        resource="categories",
        slot="aside",
        title=_l("Subcategories"),
        query=parts_of_category,
        template="categories/_parts.html",
        permission="categories:read",
        order=10,
    ),
)
