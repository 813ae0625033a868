"""The page of kept mappings: what is kept, renamed and deleted in place."""

from typing import Any

from flask import make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from webapp.core.access import can
from webapp.core.context import Context
from webapp.core.errors import Invalid
from webapp.core.resource import registry
from webapp.faces.rendering import Renderer
from webapp.faces.surface import go, toast
from webapp.imports import mappings, presenting
from webapp.imports.standing import WRITE


def index(context: Context) -> ResponseReturnValue:
    """Show the kept mappings."""
    return _page(context)


def _page(context: Context, errors: dict[int, str] | None = None) -> str:
    renderer = Renderer(context)
    return render_template(
        "imports/mappings.html",
        crumbs=[(_("Imports"), url_for("imports.index")), (_("Kept mappings"), None)],
        lines=[
            _line(context, renderer, row, (errors or {}).get(row["id"], "")) for row in mappings.list_mappings(context)
        ],
        may_write=can(context.actor, WRITE),
    )


def _line(context: Context, renderer: Renderer, row: dict[str, Any], error: str) -> dict[str, Any]:
    resource = registry.resources[row["resource"]]
    means = [f"{key} → {presenting.label_of(resource, name)}" for key, name in row["fields"].items() if name]
    return {
        "id": row["id"],
        "name": request.form.get("name", row["name"]) if error else row["name"],
        "into": resource.title,
        "means": ", ".join(means),
        "by": row["created_by_name"],
        "when": renderer.moment(row["updated_at"]),
        "may_write": can(context.actor, resource.write_permission),
        "error": error,
    }


def rename(context: Context, mapping_id: int) -> ResponseReturnValue:
    """Call a kept mapping something else."""
    try:
        mappings.rename(context, mapping_id, request.form.get("name", ""))
    except Invalid as error:
        context.session.rollback()
        return make_response(_page(context, {mapping_id: " ".join(error.errors["name"])}), 422)
    return go(url_for("imports.mappings"))


def delete(context: Context, mapping_id: int) -> ResponseReturnValue:
    """Forget a kept mapping."""
    toast(_("The mapping %(name)s was deleted", name=mappings.forget(context, mapping_id)))
    return go(url_for("imports.mappings"))
