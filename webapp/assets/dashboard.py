"""What the dashboard says of assets: how many of what and where, what is due, what it is all worth."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from sqlalchemy import ColumnElement, Select, String, case, func, literal, select, union_all

from webapp.assets.models import Asset
from webapp.assets.worth import Worth, worth_today_and_before
from webapp.core.conditions import reach
from webapp.core.context import Context
from webapp.core.database import table_of
from webapp.core.labels import label_rows
from webapp.core.resource import Panel, registry
from webapp.core.tenancy import CHECKED
from webapp.faces.charts import bar_list, compact_money, legend, line_chart, sparkline
from webapp.faces.dashboard import remembered
from webapp.faces.rendering import Renderer, state, within_sentence

Bar = tuple[Any, int, str | None, str | None]
NAME = "assets"
# what has left the organization is not due any more, and not worth anything to it
ENDED = frozenset({"retired", "decommissioned"})
MAINTENANCE, WARRANTY, END_OF_LIFE = "next_maintenance_on", "warranty_expires_on", "end_of_life_on"
SOON, HORIZONS = 14, (30, 60, 90)
BARS, ITEMS, LATE_ITEMS, NEW = 8, 6, 3, 30
WORDS = {
    MAINTENANCE: (_l("Maintenance"), "tool", "amber"),
    WARRANTY: (_l("Warranty ends"), "shield-check", "blue"),
    END_OF_LIFE: (_l("End of life"), "hourglass-low", "violet"),
}


@dataclass(frozen=True)
class Standing:
    """The counts behind the figures: by status, category and place, and {(what, within so many days): how many}."""

    statuses: Counter[int] = field(default_factory=Counter)
    categories: Counter[int] = field(default_factory=Counter)
    places: Counter[int] = field(default_factory=Counter)
    due: Counter[tuple[str, int]] = field(default_factory=Counter)
    ended: frozenset[int] = frozenset()

    @property
    def total(self) -> int:
        """Return how many assets there are."""
        return self.statuses.total()

    @property
    def has_ended(self) -> bool:
        """Tell whether some of them have left the organization, and only their record is here."""
        return any(self.statuses[status_id] for status_id in self.ended)


def standing_of(context: Context) -> Standing:
    """Return the counts of the assets that an actor may see: one statement, remembered."""
    return remembered(context, "assets", _count)


def worth_of(context: Context) -> list[Worth]:
    """Return what the assets that an actor may see are worth, a currency each, the organization's own first."""
    return remembered(context, "worth", lambda asking: worth_today_and_before(asking, living(asking)))


def living(context: Context) -> list[ColumnElement[bool]]:
    """Return the predicates of the assets in reach that have not left the organization."""
    table = table_of(Asset)
    return [
        *reach(context, registry.resources[NAME]),
        table.c.deleted_at.is_(None),
        table.c.status_id.in_(_held(context)),
    ]


def _held(context: Context) -> list[int]:
    """Return the statuses of what has not left."""
    return sorted(i for i, row in label_rows(context, "statuses").items() if row["lifecycle"] not in ENDED)


def _count(context: Context) -> Standing:
    table = table_of(Asset)
    here = [*reach(context, registry.resources[NAME]), table.c.deleted_at.is_(None)]
    arms = [_grouped(name, table.c[name], here) for name in ("status_id", "category_id", "location_id")]
    arms += [_due(context, name, table.c[name]) for name in WORDS]
    ended = frozenset(label_rows(context, "statuses")) - frozenset(_held(context))
    found = Standing(ended=ended)
    arms.append(_new(context))
    groups = {"status_id": found.statuses, "category_id": found.categories, "location_id": found.places}
    for what, key, count in context.session.execute(union_all(*arms), execution_options=CHECKED):
        if what in groups:
            groups[what][key or 0] = count
        else:
            found.due[what, key] = count
    return found


def _grouped(name: str, column: ColumnElement[Any], where: Iterable[ColumnElement[bool]]) -> Select[Any]:
    return select(literal(name, String), column, func.count()).where(*where).group_by(column)


def _due(context: Context, name: str, column: ColumnElement[Any]) -> Select[Any]:
    """Return the query of how many days of a kind lie behind us (-1), within 14 days, 30, 60, 90, each once."""
    today = context.today
    steps = [(column < today, -1), *((column <= today + timedelta(days=n), n) for n in (SOON, *HORIZONS))]
    bucket = case(*steps, else_=-2)
    counted: list[ColumnElement[Any]] = [literal(name, String), bucket, func.count()]
    return select(*counted).where(*_is_due(context, name)).group_by(bucket)


def _is_due(context: Context, name: str) -> list[ColumnElement[bool]]:
    """Return the predicates of what is late or due within the farthest horizon; a warranty that is over is not late."""
    table = table_of(Asset)
    where = [*living(context), table.c[name] <= context.today + timedelta(days=HORIZONS[-1])]
    if name == MAINTENANCE:
        where.append(table.c.maintenance_enabled)
    elif name == WARRANTY:
        where.append(table.c[name] >= context.today)
    return where


def _new(context: Context) -> Select[Any]:
    """Return the query of how many came in within the last 30 days."""
    table = table_of(Asset)
    here = [*reach(context, registry.resources[NAME]), table.c.deleted_at.is_(None)]
    counted: list[ColumnElement[Any]] = [literal("new", String), literal(NEW), func.count()]
    return select(*counted).where(*here, table.c.created_at >= context.at - timedelta(days=NEW))


def within(found: Standing, what: str, days: int) -> int:
    """Return how many days of a kind lie within so many days from today."""
    return sum(count for (name, bucket), count in found.due.items() if name == what and 0 <= bucket <= days)


def figures(context: Context, _row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the figures of the first page, each with the list that it counts."""
    renderer, found = Renderer(context), standing_of(context)
    overdue, soon = found.due[MAINTENANCE, -1], within(found, MAINTENANCE, SOON)
    new = ngettext("%(num)s new in 30 days", "%(num)s new in 30 days", found.due["new", NEW])
    shown = [_figure(renderer, _("Assets"), "box", found.total, new, url_for("assets.index"))]
    shown += _value_figure(context, renderer)
    more = ngettext("%(num)s due within 14 days", "%(num)s due within 14 days", soon)
    url = due_url(context, found, MAINTENANCE, -1)
    shown.append(_figure(renderer, _("Maintenance overdue"), "tool", overdue, more, url, "red" if overdue else ""))
    for what, words in ((WARRANTY, _("Warranties ending")), (END_OF_LIFE, _("Ends of life"))):
        near, far = within(found, what, HORIZONS[0]), renderer.number(within(found, what, HORIZONS[-1]))
        icon, tone = WORDS[what][1:]
        meta, url = _("in 30 days, %(number)s in 90", number=far), due_url(context, found, what, HORIZONS[0])
        shown.append(_figure(renderer, words, icon, near, meta, url, tone if near else ""))
    return {"figures": shown}


def _figure(
    renderer: Renderer, label: str, icon: str, value: int | str, meta: str, url: str, tone: str = ""
) -> dict[str, Any]:
    text = value if isinstance(value, str) else renderer.number(value)
    return {"label": label, "icon": icon, "tone": tone, "value": text, "meta": meta, "url": url}


def _value_figure(context: Context, renderer: Renderer) -> list[dict[str, Any]]:
    worth = worth_of(context)
    if not worth:
        return []
    first, others = worth[0], len(worth) - 1
    cost = compact_money(first.cost, first.currency, renderer.locale)
    meta = _("cost %(amount)s", amount=cost)
    if others:
        meta = ngettext("%(meta)s, %(num)s more currency", "%(meta)s, %(num)s more currencies", others, meta=meta)
    book = compact_money(first.book, first.currency, renderer.locale)
    url = url_for("assets.index", currency=first.currency, sort="-purchase_cost")
    return [_figure(renderer, _("Book value"), "coin", book, meta, url)]


def due_url(context: Context, found: Standing, what: str, days: int) -> str:
    """Return the list of what is due within so many days from today; -1 is what was due before."""
    wanted: dict[str, Any] = {f"{what}_before": context.today + timedelta(days=days + 1), "sort": what}
    if days >= 0:
        wanted[f"{what}_after"] = context.today - timedelta(days=1)
    if what == MAINTENANCE:
        wanted["maintenance_enabled"] = "true"
    if found.has_ended:
        wanted["status_id_in"] = ",".join(str(status_id) for status_id in _held(context))
    return url_for("assets.index", **wanted)


def coming(context: Context, _row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is late and what comes in 30, 60 and 90 days, the next few by name; nothing when nothing does."""
    renderer, found = Renderer(context), standing_of(context)
    if not any(count for (what, _days), count in found.due.items() if what in WORDS):
        return {}
    rows = [_due_row(context, renderer, found, what) for what in WORDS]
    return {"span": 7, "horizons": HORIZONS, "rows": rows, "items": _next_items(context, renderer)}


def _due_row(context: Context, renderer: Renderer, found: Standing, what: str) -> dict[str, Any]:
    label, icon, tone = WORDS[what]
    cells = []
    for days in (-1, *HORIZONS):
        count = found.due[what, -1] if days < 0 else within(found, what, days)
        url = due_url(context, found, what, days) if count else ""
        value = "" if what == WARRANTY and days < 0 else renderer.number(count)
        cells.append({"value": value, "url": url, "late": days < 0 and count})
    return {"label": label, "icon": icon, "tone": tone, "cells": cells}


def _next_items(context: Context, renderer: Renderer) -> list[dict[str, Any]]:
    """Return the few things that are late longest, then those that come next: one statement."""
    arms = [_next_of(context, what, late=True) for what in WORDS if what != WARRANTY]
    arms += [_next_of(context, what, late=False) for what in WORDS]
    rows = [dict(row) for row in context.session.execute(union_all(*arms), execution_options=CHECKED).mappings()]
    rows.sort(key=lambda row: (row["day"], row["id"]))
    late = [row for row in rows if row["day"] < context.today]
    shown = [*late[:LATE_ITEMS], *(row for row in rows if row["day"] >= context.today)]
    return [_item(context, renderer, row) for row in shown[:ITEMS]]


def _next_of(context: Context, what: str, *, late: bool) -> Select[Any]:
    table = table_of(Asset)
    day = table.c[what]
    wanted = (literal(what, String).label("what"), table.c.id, table.c.tag, table.c.name, day.label("day"))
    where = [*_is_due(context, what), day < context.today if late else day >= context.today]
    return select(select(*wanted).where(*where).order_by(day, table.c.id).limit(ITEMS).subquery())


def _item(context: Context, renderer: Renderer, row: Mapping[str, Any]) -> dict[str, Any]:
    label, icon, tone = WORDS[row["what"]]
    days = (row["day"] - context.today).days
    if days < 0:
        distance = ngettext("%(num)s day late", "%(num)s days late", -days)
    else:
        distance = ngettext("in %(num)s day", "in %(num)s days", days) if days else _("today")
    what = within_sentence(label)
    return {
        "title": row["name"] or row["tag"],
        "url": url_for("assets.detail", row_id=row["id"]),
        "meta": _("%(tag)s, %(what)s %(day)s", tag=row["tag"], what=what, day=renderer.day(row["day"])),
        "icon": icon,
        "tone": "red" if days < 0 else tone,
        "distance": distance,
        "late": days < 0,
    }


def value(context: Context, _row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the value of all assets over the last twelve months, a currency each, never added up across them."""
    renderer, worth = Renderer(context), worth_of(context)
    if not worth:
        return {}
    first = worth[0]
    books, costs = ([(day, amount[n]) for day, *amount in first.trend] for n in (0, 1))
    names = (_("Book value"), _("Purchase cost"))
    words = {
        "then": compact_money(books[0][1], first.currency, renderer.locale),
        "now": compact_money(first.book, first.currency, renderer.locale),
        "cost_then": compact_money(costs[0][1], first.currency, renderer.locale),
        "cost_now": compact_money(first.cost, first.currency, renderer.locale),
    }
    label = _(
        "Book value went from %(then)s to %(now)s in twelve months, purchase cost from %(cost_then)s to %(cost_now)s",
        **words,
    )
    wide, narrow = (
        line_chart([books, costs], label=label, width=width, height=190, renderer=renderer, currency=first.currency)
        for width in (660, 330)
    )
    others = [_other_currency(renderer, one) for one in worth[1:]]
    return {
        "span": 7,
        "aside": legend(names),
        "wide": wide,
        "narrow": narrow,
        "others": others,
        "note": _note(context, worth),
    }


def _other_currency(renderer: Renderer, worth: Worth) -> dict[str, Any]:
    book, cost = renderer.money(worth.book, worth.currency), renderer.money(worth.cost, worth.currency)
    words = _("Book value in %(currency)s over twelve months, now %(amount)s", currency=worth.currency, amount=book)
    line = sparkline([book for _day, book, _cost in worth.trend], label=words)
    url = url_for("assets.index", currency=worth.currency, sort="-purchase_cost")
    return {"currency": worth.currency, "book": book, "cost": cost, "line": line, "url": url}


def _note(context: Context, worth: list[Worth]) -> str:
    undated = sum(one.undated for one in worth)
    notes = [_("What is retired is left out.")] if standing_of(context).has_ended else []
    if undated:
        one, many = (
            "%(num)s has no purchase date and no book value.",
            "%(num)s have no purchase date and no book value.",
        )
        notes.append(ngettext(one, many, undated))
    return " ".join(notes)


def by_status(context: Context, _row: Mapping[str, Any]) -> dict[str, Any]:
    """Return how many assets are in each state."""
    known = label_rows(context, "statuses")
    rows: list[Bar] = []
    for status_id, count in standing_of(context).statuses.most_common():
        row = known.get(status_id, {"label": "?", "lifecycle": ""})
        url = url_for("assets.index", status_id=status_id)
        rows.append((state(row["label"], str(row["lifecycle"])), count, url, None))
    return _bars(context, rows, _("Assets by state"), url_for("statuses.index"))


def by_category(context: Context, _row: Mapping[str, Any]) -> dict[str, Any]:
    """Return how many assets are of each category."""
    known = label_rows(context, "categories")
    counts = standing_of(context).categories.most_common()
    rows: list[Bar] = [
        (known.get(i, {}).get("name", "?"), count, url_for("assets.index", category_id=i), None) for i, count in counts
    ]
    return _bars(context, rows, _("Assets by category"), url_for("categories.index"))


def by_place(context: Context, _row: Mapping[str, Any]) -> dict[str, Any]:
    """Return how many assets are at each place, counted together at the highest places that tell them apart."""
    known = label_rows(context, "locations")
    groups: Counter[tuple[int, bool]] = Counter()
    chains = {place_id: _chain(known, place_id) for place_id in standing_of(context).places if place_id}
    depth = _telling_depth(list(chains.values()))
    for place_id, count in standing_of(context).places.items():
        chain = chains.get(place_id, [0])
        groups[chain[min(depth, len(chain) - 1)], len(chain) > depth] += count
    rows: list[Bar] = []
    for (place_id, whole), count in groups.most_common():
        if not place_id:
            rows.append((_("No place"), count, url_for("assets.index", location_id_empty="true"), None))
            continue
        wanted: dict[str, Any] = {"location_id_within" if whole else "location_id": place_id}
        rows.append((known.get(place_id, {}).get("name", "?"), count, url_for("assets.index", **wanted), None))
    return _bars(context, rows, _("Assets by place"), url_for("locations.index"))


def _chain(known: Mapping[int, Mapping[str, Any]], place_id: int) -> list[int]:
    """Return the places from the root down to one."""
    chain = [place_id]
    while (parent := known.get(chain[-1], {}).get("parent_id")) and parent not in chain:
        chain.append(parent)
    return chain[::-1]


def _telling_depth(chains: list[list[int]]) -> int:
    """Return how many levels all have in common: the next one tells them apart."""
    depth = 0
    while any(len(chain) > depth + 1 for chain in chains) and len({chain[depth] for chain in chains}) == 1:
        depth += 1
        chains = [chain for chain in chains if len(chain) > depth]
    return depth


def _bars(context: Context, rows: list[Bar], label: str, url: str = "") -> dict[str, Any]:
    """Return the largest counts as bars, and where the others are; nothing when there is nothing to compare."""
    renderer = Renderer(context)
    if not rows:
        return {}
    more = (_("All %(number)s", number=renderer.number(len(rows))), url) if url and len(rows) > BARS else None
    return {"span": 4, "more": more, "bars": bar_list(rows[:BARS], label=label, renderer=renderer)}


def _panel(slot: str, title: Any, query: Any, template: str, order: int) -> Panel:
    path = f"dashboard/{template}.html"
    permission = f"{NAME}:read"
    return Panel(
        resource="dashboard", slot=slot, title=title, query=query, template=path, permission=permission, order=order
    )


PANELS = (
    _panel("figure", _l("Assets"), figures, "_figures", 10),
    _panel("card", _l("Coming up"), coming, "_coming", 10),
    _panel("card", _l("Value of all assets"), value, "_value", 30),
    _panel("card", _l("By state"), by_status, "_bars", 50),
    _panel("card", _l("By category"), by_category, "_bars", 60),
    _panel("card", _l("By place"), by_place, "_bars", 70),
)
