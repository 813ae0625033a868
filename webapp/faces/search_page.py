"""The search: a page that works without scripts, the palette's lines, and what can be done with one of them."""

from flask import Flask, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from markupsafe import escape

from webapp.core.access import require
from webapp.core.context import Context
from webapp.core.custom import tailor
from webapp.core.errors import BadRequest, NotFound
from webapp.core.fields import LARGEST_ID
from webapp.core.resource import Resource, registry
from webapp.faces.page_details import DetailView, detail_view, found
from webapp.faces.palette import IN_PALETTE, ON_PAGE, Found, Hit, HitGroup, search
from webapp.faces.surface import is_fragment, page

LONGEST = 200


def search_page(context: Context) -> ResponseReturnValue:
    """Show what is found, by kind; to the palette its lines alone."""
    q = request.args.get("q", "")[:LONGEST]
    if "\x00" in q:
        raise BadRequest(_("NUL characters are not text."))
    if is_fragment("results"):
        result = search(context, q, most=IN_PALETTE)
        return render_template("palette/_results.html", found=result, rest=_fallback(context, result))
    result = search(context, q, most=ON_PAGE)
    title = _("Search")
    return render_template("search/index.html", found=result, rest=_fallback(context, result), crumbs=[(title, None)])


def _fallback(context: Context, result: Found) -> list[HitGroup]:
    """Return what one may do instead when nothing was found: the acts."""
    return search(context, "").groups[-1:] if result.is_empty else []


def acts_page(context: Context) -> ResponseReturnValue:
    """Return the palette's lines of what can be done with one thing; without one, of nothing."""
    kind, row_id = request.args.get("kind", ""), request.args.get("id", 0, type=int)
    if not kind:
        return render_template("palette/_results.html", found=Found("", [], _("Nothing found")), rest=[])
    resource = registry.resources.get(kind)
    if resource is None or "get" not in resource.pages or not 0 < row_id <= LARGEST_ID:
        raise NotFound(f"there is no {kind} {row_id}")
    require(context.actor, resource.read_permission)
    resource = tailor(context, resource)
    view = detail_view(context, resource, found(context, resource, row_id))
    groups = [HitGroup(view.title, _acts_of(context, resource, view))]
    return render_template("palette/_results.html", found=Found("", groups, view.title), rest=[])


def _acts_of(context: Context, resource: Resource, view: DetailView) -> list[Hit]:
    row_id = view.row["id"]
    acts = [Hit(escape(_("Open")), url_for(f"{resource.name}.detail", row_id=row_id), "arrow-right")]
    for act in (*view.acts, *view.more):
        if act.get("url") and not act.get("post"):
            line = Hit(escape(act["label"]), act["url"], act.get("icon", "arrow-right"), dialog=bool(act.get("dialog")))
            acts.append(line)
    if "history" in resource.pages:
        acts.append(Hit(escape(_("History")), url_for(f"{resource.name}.history", row_id=row_id), "history"))
    return acts + _lists_of(context, resource, view)


def _lists_of(context: Context, resource: Resource, view: DetailView) -> list[Hit]:
    """Return the lists of what refers to a thing by a field that those lists are filtered by."""
    lines = []
    for other in registry.menu(context.actor):
        for name, item in other.references.items():
            if item.target == resource.name and name in other.filters and "list" in other.pages:
                within = "_within" if item.target == "locations" else ""
                url = url_for(f"{other.name}.index", **{f"{name}{within}": view.row["id"]})
                lines.append(Hit(escape(f"{other.title}: {item.label}"), url, other.icon))
    return lines


def init_app(app: Flask) -> None:
    """Add the search's two addresses."""
    app.add_url_rule("/search", "search.index", page(search_page), methods=["GET"])
    app.add_url_rule("/search/acts", "search.acts", page(acts_page), methods=["GET"])
