"""The tree of places as a page, and what a place's own page says of what is in it."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from webapp.core.access import can
from webapp.core.context import Context
from webapp.core.errors import NotFound
from webapp.core.fields import LARGEST_ID
from webapp.core.resource import Panel, registry
from webapp.faces.rendering import Renderer, within_sentence
from webapp.faces.surface import page
from webapp.places.rules import places_above, places_in_order, things_by_place

Node = dict[str, Any]
blueprint = Blueprint("locations", __name__, url_prefix="/locations")
ICONS = {
    "site": "building",
    "customer_site": "building-store",
    "location": "map-pin",
    "aisle": "layout-columns",
    "shelf": "stack-2",
    "bin": "box",
}
MOST_NODES = 1_500
MOST_INSIDE = 12


def tree(context: Context) -> ResponseReturnValue:
    """Show the places as a tree with what is in them, the whole one or what stands in `root`."""
    root = request.args.get("root", type=int)
    if "root" in request.args and (root is None or not 0 < root <= LARGEST_ID):
        raise NotFound(f"there is no place {request.args['root']}")
    nodes = _nodes(context, root)
    if root is not None and root not in nodes:
        raise NotFound(f"there is no place {root}")
    top = [node for node in nodes.values() if node["parent_id"] not in nodes] if root is None else [nodes[root]]
    open_all = request.args.get("open") == "all"
    _cut(top, MOST_NODES)
    _open(top, 99 if open_all else 2)
    index = url_for("locations.index")
    crumbs = [(str(registry.resources["locations"].title), index), (_("Tree"), url_for("locations.tree"))]
    if root is not None:
        crumbs += [(name, url_for("locations.tree", root=above)) for above, name in places_above(context, root)]
    return render_template(
        "locations/tree.html",
        crumbs=[*crumbs, (nodes[root]["name"], None)] if root is not None else [crumbs[0], (_("Tree"), None)],
        title=_("Places") if root is None else nodes[root]["name"],
        nodes=top,
        kinds=[other.title for other in _counted(context)],
        list_url=index,
        open_url=url_for("locations.tree", root=root, open=None if open_all else "all"),
        open_label=_("Close") if open_all else _("Open all"),
        create_url=url_for("locations.create") if can(context.actor, "locations:write") else None,
    )


def _counted(context: Context) -> list[Any]:
    """Return the resources whose things are counted by place, in the menu's order."""
    shown = [other for other in registry.menu(context.actor) if other.located_by not in (None, "id")]
    return [other for other in shown if can(context.actor, other.read_permission)]


def _nodes(context: Context, within: int | None = None) -> dict[int, Node]:
    """Return {id: node} of the places in reach, or of one branch, each with its children in order and its counts."""
    words = {code: str(word) for code, word in registry.resources["locations"].fields["kind"].choices.items()}  # type: ignore[attr-defined] # a Choice
    counts, renderer, counted = things_by_place(context, within), Renderer(context), _counted(context)
    nodes: dict[int, Node] = {}
    for row in places_in_order(context, within):
        cells = [_count(other, counts[other.name].get(row["id"], (0, 0)), row["id"], renderer) for other in counted]
        nodes[row["id"]] = {
            **row,
            "url": url_for("locations.detail", row_id=row["id"]),
            "icon": ICONS[row["kind"]],
            "word": words[row["kind"]],
            "counts": cells,
            "children": [],
        }
    for node in nodes.values():
        if node["parent_id"] in nodes:
            nodes[node["parent_id"]]["children"].append(node)
    return nodes


def _count(other: Any, count: tuple[int, int], place_id: int, renderer: Renderer) -> dict[str, Any]:
    here, whole = count
    within: dict[str, Any] = {f"{other.located_by}_within": place_id}
    return {
        "label": other.title,
        "icon": other.icon,
        "count": whole,
        "here": here,
        "text": renderer.number(whole),
        "word": within_sentence(other.singular if whole == 1 else other.title),
        "below": _("%(here)s right here", here=renderer.number(here)) if 0 < here < whole else "",
        "url": url_for(f"{other.name}.index", **within),
    }


def _cut(top: list[Node], most: int) -> None:
    """Leave out what lies deepest where a tree has more places than a page may show; a link leads on to it."""
    level, shown = top, len(top)
    while level:
        following = []
        for node in level:
            inside = node["children"]
            if shown + len(inside) > most:
                node["children"], node["cut_url"] = [], url_for("locations.tree", root=node["id"])
                node["cut"] = ngettext("%(num)s place inside", "%(num)s places inside", len(inside)) if inside else ""
            else:
                shown += len(inside)
                following += inside
        level = following


def _open(nodes: list[Node], levels: int) -> None:
    """Mark the places that are drawn open: so many levels from the top."""
    for node in nodes:
        node["open"] = levels > 1
        _open(node["children"], levels - 1)


def what_is_inside(context: Context, row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what stands in a place and how much is in it, here and below, for its page."""
    node = _nodes(context, row["id"]).get(row["id"])
    if node is None:
        return {"counts": [], "children": [], "more": 0}
    return {
        "counts": [count for count in node["counts"] if count["count"]],
        "children": node["children"][:MOST_INSIDE],
        "more": max(0, len(node["children"]) - MOST_INSIDE),
        "tree_url": url_for("locations.tree", root=row["id"]),
    }


INSIDE = Panel(
    resource="locations",
    slot="aside",
    title=_l("What is here"),
    query=what_is_inside,
    template="locations/_inside.html",
    permission="locations:read",
    order=10,
)
blueprint.add_url_rule("/tree", "tree", page(tree, "locations:read"), methods=["GET"])
