"""What stands on an asset's page beside its facts: what it is worth, what comes next, what is inside of it."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from babel.numbers import format_percent
from flask import request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from markupsafe import Markup
from sqlalchemy import func, select

from webapp.assets.models import Asset
from webapp.assets.rules import SOON, maintenance_status, minor_units, terms_of, value_on
from webapp.assets.valuation import Terms, curve, minimum_of, rounded, schedule, written_off_on
from webapp.catalog.resources import METHOD_WORDS
from webapp.core.access import can
from webapp.core.conditions import reach
from webapp.core.context import Context
from webapp.core.database import table_of
from webapp.core.labels import labels_for
from webapp.core.parameters import Filter, ListParameters
from webapp.core.query import list_rows
from webapp.core.resource import Panel, registry
from webapp.core.tenancy import CHECKED
from webapp.faces.charts import line_chart
from webapp.faces.rendering import Renderer, state

Row = Mapping[str, Any]
ASSETS = table_of(Asset)
SHOWN = 50
DAYS_IN_WORDS, DAYS_OF_YEAR = 90, 365.2425
WIDTH, HEIGHT = 340, 132
CARE = {"overdue": ("red", _l("Maintenance is overdue")), "due_soon": ("amber", _l("Maintenance"))}


def value(context: Context, row: Row) -> dict[str, Any]:
    """Return what the value card says: the book value on the day that was asked for, its curve and its years."""
    cost = row["purchase_cost"]
    if cost is None:
        return {}
    renderer, terms, on = Renderer(context), terms_of(context, row), _asked_day(context)
    worth, bought_on = value_on(context, row, on), row["purchased_on"]
    shown: dict[str, Any] = {
        "on": on.isoformat(),
        "amount": None if worth is None else renderer.money(worth, row["currency"]),
        "said": _said(context, renderer, worth, cost, on),
        "meta": _terms_in_words(terms),
        "url": url_for("assets.detail", row_id=row["id"]),
        "tab": request.args.get("tab", ""),
    }
    if terms is not None and bought_on is not None and worth is not None:
        shown |= _over_time(context, renderer, terms, row, on, worth)
    return shown


def _asked_day(context: Context) -> date:
    try:
        return date.fromisoformat(request.args.get("on", ""))
    except ValueError:
        return context.today


def _said(context: Context, renderer: Renderer, worth: Decimal | None, cost: Decimal, on: date) -> str:
    if worth is None:
        return _("Say on which day it was bought to see its book value.")
    share = format_percent(worth / cost if cost else 0, locale=renderer.locale)
    if on == context.today:
        return _("book value today, %(share)s of cost", share=share)
    return _("book value on %(day)s, %(share)s of cost", day=renderer.day(on), share=share)


def _terms_in_words(terms: Terms | None) -> str:
    if terms is None:
        return _("not depreciated")
    method = str(METHOD_WORDS[terms.method])
    months = ngettext("%(num)s month", "%(num)s months", terms.months)
    return f"{method}, {months}"


def _over_time(
    context: Context, renderer: Renderer, terms: Terms, row: Row, on: date, worth: Decimal
) -> dict[str, Any]:
    cost, bought_on, currency = row["purchase_cost"], row["purchased_on"], row["currency"]
    places = minor_units(currency)
    corners = curve(terms, cost, bought_on, places=places)
    here = max(on, bought_on)
    past = [*(corner for corner in corners if corner[0] < here), (here, worth)]
    coming = [(here, worth), *(corner for corner in corners if corner[0] > here)]
    ends_on, least = written_off_on(terms, bought_on), rounded(minimum_of(terms, cost), places)
    label = _(
        "Book value from %(cost)s on %(bought)s to %(least)s on %(ends)s, %(worth)s on %(day)s",
        cost=renderer.money(cost, currency),
        bought=renderer.day(bought_on),
        least=renderer.money(least, currency),
        ends=renderer.day(ends_on),
        worth=renderer.money(worth, currency),
        day=renderer.day(on),
    )
    word = _("today") if on == context.today else ""
    chart = line_chart([past, coming], label=label, width=WIDTH, height=HEIGHT, renderer=renderer, mark=(here, word))
    years = [
        {
            "year": year.ends_on.year,
            "now": year.begins_on <= on <= year.ends_on,
            "charge": renderer.money(year.charge, currency),
            "value": renderer.money(year.book_value, currency),
        }
        for year in schedule(terms, cost, bought_on, places=places)
    ]
    down_to = _("%(day)s, down to %(amount)s", day=renderer.day(ends_on), amount=renderer.money(least, currency))
    return {"chart": chart, "years": years, "facts": [(_("Written off"), down_to)]}


def coming(context: Context, row: Row) -> dict[str, Any]:
    """Return what comes next for a thing, in order, and what a phone shows of it in rows."""
    renderer = Renderer(context)
    known = [item for item in _dates(context, row) if item["day"]]
    items = sorted(known, key=lambda item: (item["tone"] == "gray" and item["day"] < context.today, item["day"]))
    for item in items:
        item["when"], item["distance"] = renderer.day(item["day"]), distance(item["day"], context.today)
    return {"items": items, "phone": _phone_rows(context, row, renderer, items)}


def _dates(context: Context, row: Row) -> list[dict[str, Any]]:
    today = context.today
    cared = maintenance_status(context, row)
    tone, words = CARE.get(cared, ("gray", _("Maintenance")))
    found = []
    if cared != "disabled":
        found.append({"day": row["next_maintenance_on"], "icon": "tool", "tone": tone, "label": words})
    covered = row["warranty_expires_on"] and row["warranty_expires_on"] >= today
    words = _("Warranty ends") if covered else _("Warranty ended")
    tone = "amber" if covered and row["warranty_expires_on"] <= today + SOON else "blue" if covered else "gray"
    found.append({"day": row["warranty_expires_on"], "icon": "shield-check", "tone": tone, "label": words})
    over = row["end_of_life_on"] and row["end_of_life_on"] < today
    tone = "red" if over else "violet"
    found.append({"day": row["end_of_life_on"], "icon": "hourglass-low", "tone": tone, "label": _("End of life")})
    late = row["next_audit_on"] and row["next_audit_on"] < today
    tone = "red" if late else "blue"
    found.append({"day": row["next_audit_on"], "icon": "clipboard-check", "tone": tone, "label": _("Audit")})
    return found


def distance(day: date, today: date) -> str:
    """Return how far a day is: "today", "in 5 days", "8 months ago", "in 3 years"."""
    days = (day - today).days
    size, is_past = abs(days), days < 0
    if days == 0:
        return _("today")
    if size <= DAYS_IN_WORDS:
        later = ngettext("in %(num)s day", "in %(num)s days", size)
        earlier = ngettext("%(num)s day ago", "%(num)s days ago", size)
    elif size < 2 * DAYS_OF_YEAR:
        months = round(size * 12 / DAYS_OF_YEAR)
        later = ngettext("in %(num)s month", "in %(num)s months", months)
        earlier = ngettext("%(num)s month ago", "%(num)s months ago", months)
    else:
        years = int(size / DAYS_OF_YEAR)
        later = ngettext("in %(num)s year", "in %(num)s years", years)
        earlier = ngettext("%(num)s year ago", "%(num)s years ago", years)
    return earlier if is_past else later


def _phone_rows(context: Context, row: Row, renderer: Renderer, items: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Return rows of icon, sentence and second line, each a link: what one wants to know with the thing in hand."""
    rows = []
    if row["parent_id"]:
        url = url_for("assets.detail", row_id=row["parent_id"])
        name = labels_for(context, {"assets": [row["parent_id"]]})["assets"][row["parent_id"]]["name"]
        meta = " · ".join(part for part in (name and row["parent"], row["location"]) if part)
        rows.append(_tap("box", _("Inside %(thing)s", thing=name or row["parent"]), meta, url))
    elif row["location_id"]:
        rows.append(_tap_place("map-pin", _("At %(place)s"), row["location"], row["location_id"]))
    if row["home_location_id"] and row["home_location_id"] != row["location_id"]:
        rows.append(_tap_place("home", _("Belongs in %(place)s"), row["home_location"], row["home_location_id"]))
    inside = _count_inside(context, row["id"])
    if inside:
        text = ngettext("%(num)s thing inside", "%(num)s things inside", inside)
        rows.append(_tap("packages", text, "", f"{url_for('assets.index')}?parent_id={row['id']}"))
    following = next((item for item in items if item["day"] >= context.today), None)
    if following:
        meta = f"{following['when']}, {following['distance']}"
        rows.append(_tap(following["icon"], str(following["label"]), meta, "#coming"))
    if row["book_value"] is not None:
        worth = renderer.money(row["book_value"], row["currency"])
        rows.append(_tap("trending-down", _("Worth %(amount)s", amount=worth), _("in the books today"), "#value"))
    return rows


def _tap(icon: str, text: str, meta: str, url: str) -> dict[str, str]:
    return {"icon": icon, "text": text, "meta": meta, "url": url}


def _tap_place(icon: str, words: str, path: str, location_id: int) -> dict[str, str]:
    *above, name = str(path).split(" / ")
    return _tap(icon, words % {"place": name}, " / ".join(above), url_for("locations.detail", row_id=location_id))


def _inside(context: Context, asset_id: int) -> list[Any]:
    resource = registry.resources["assets"]
    return [*reach(context, resource), ASSETS.c.parent_id == asset_id, ASSETS.c.deleted_at.is_(None)]


def _count_inside(context: Context, asset_id: int) -> int:
    query = select(func.count()).select_from(ASSETS).where(*_inside(context, asset_id))
    return int(context.session.execute(query, execution_options=CHECKED).scalar_one())


def contents(context: Context, row: Row) -> dict[str, Any]:
    """Return the things inside of one, the first fifty by tag, and how to add another."""
    resource, row_id = registry.resources["assets"], row["id"]
    only = Filter("parent_id", "parent_id", "eq", row_id, "parent_id", str(row_id))
    parameters = ListParameters(filters=(only,), sort=(("tag", False),), per_page=SHOWN)
    names = ("tag", "name", "product", "status", "serial_number")
    listing = list_rows(context, resource, parameters, fields=names)
    writes = can(context.actor, resource.write_permission) and not row.get("deleted_at")
    base = url_for("assets.index")
    return {
        "things": [_thing(listing.labels, found, base) for found in listing.rows],
        "more": listing.total - len(listing.rows),
        "list_url": f"{base}?parent_id={row_id}",
        "add_url": f"{url_for('assets.create')}?parent_id={row_id}" if writes else None,
    }


def _thing(labels: Mapping[str, Any], found: Row, base: str) -> dict[str, Any]:
    known = labels.get("statuses", {}).get(found["status_id"], {})
    mark: Markup = state(found["status"], str(known.get("lifecycle", "")))
    name = found["name"] or found["product"] or found["tag"]
    meta = " · ".join(part for part in (found["tag"], found["serial_number"]) if part)
    return {"name": name, "meta": meta, "state": mark, "url": f"{base}/{found['id']}"}


def _panel(slot: str, title: Any, query: Any, template: str, order: int) -> Panel:
    return Panel(
        resource="assets",
        slot=slot,
        title=title,
        query=query,
        template=f"assets/{template}.html",
        permission="assets:read",
        order=order,
    )


PANELS = (
    _panel("aside", _l("Value"), value, "_value", 20),
    _panel("aside", _l("Next"), coming, "_coming", 30),
    _panel("tab", _l("Contents"), contents, "_contents", 20),
)
