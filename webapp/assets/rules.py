"""Rules of assets: what a patch comes to, which states may follow which, and what follows from a record."""

import calendar
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from babel.numbers import get_currency_precision
from flask_babel import gettext as _
from sqlalchemy import select

from webapp.assets.containers import plan_container
from webapp.assets.valuation import Terms, book_value
from webapp.core.context import Context
from webapp.core.database import key_of
from webapp.core.labels import label_rows
from webapp.core.resource import registry
from webapp.core.tenancy import CHECKED, scoped
from webapp.core.writes import Draft, Facts

# Which lifecycle may follow which; staying in one is always allowed. Source: FSM Navigator's published table.
TRANSITIONS: Mapping[str, frozenset[str]] = {
    "active": frozenset({"idle", "in_maintenance", "in_transit", "retired", "lost", "non_compliant", "decommissioned"}),
    "idle": frozenset({"active", "in_maintenance", "in_transit", "retired", "decommissioned", "lost"}),
    "in_maintenance": frozenset({"active", "idle", "retired", "decommissioned"}),
    "pending_install": frozenset({"active", "idle", "in_transit", "non_compliant"}),
    "in_transit": frozenset({"active", "idle", "pending_install"}),
    "lost": frozenset({"active", "retired", "decommissioned"}),
    "non_compliant": frozenset({"active", "idle", "in_maintenance", "retired", "decommissioned"}),
    "retired": frozenset({"active", "decommissioned"}),
    "decommissioned": frozenset(),
}
SOON = timedelta(days=14)


def may_follow(lifecycle: str, following: str) -> bool:
    """Tell whether a thing in one lifecycle may be put into another."""
    return following == lifecycle or following in TRANSITIONS[lifecycle]


def add_months(day: date, months: int) -> date:
    """Return the day so many calendar months later, at most the last of its month: 31 Jan + 1 is 28 or 29 Feb."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return day.replace(year=year, month=month + 1, day=min(day.day, calendar.monthrange(year, month + 1)[1]))


def plan_asset(draft: Draft, facts: Facts) -> None:
    """Say what an asset will be: its status reachable, its category its product's, its dates in order."""
    _plan_status(draft, facts)
    _plan_category(draft, facts)
    plan_container(draft, facts)
    serial = draft["serial_number"]
    draft["serial_key"] = key_of(serial) if serial and facts.setting("unique_serial", True) else None
    if draft["purchase_cost"] is not None and not draft["currency"]:
        draft["currency"] = currency_of_place(draft["location_id"], facts) or facts.context.tenant.currency
    if (draft["latitude"] is None) != (draft["longitude"] is None) and draft.changed("latitude", "longitude"):
        draft.fail("latitude" if draft["latitude"] is None else "longitude", _("Give both coordinates, or none."))
    technician = facts.row("persons", draft["technician_id"])
    if technician is not None and draft.changed("technician_id") and not technician["is_technician"]:
        draft.fail("technician_id", _("%(name)s is not a technician.", name=technician["name"]))
    _plan_warranty(draft)
    _plan_end_of_life(draft, facts)
    _plan_maintenance(draft, facts)


def currency_of_place(location_id: int | None, facts: Facts) -> str | None:
    """Return the currency of a place, or of the nearest one above it that has one."""
    place = facts.row("locations", location_id)
    while place is not None and not place["currency"]:
        place = facts.row("locations", place["parent_id"])
    return str(place["currency"]) if place is not None else None


def _plan_status(draft: Draft, facts: Facts) -> None:
    if draft["status_id"] is None:
        if draft.is_new:
            draft["status_id"] = default_status(facts.context, "active")
        else:
            draft.fail("status_id", _("This is needed."))
    if draft.is_new or not draft.changed("status_id") or facts.forced:
        return
    before = facts.row("statuses", (draft.current or {})["status_id"])
    after = facts.row("statuses", draft["status_id"])
    if before and after and not may_follow(str(before["lifecycle"]), str(after["lifecycle"])):
        draft.fail("status_id", _("%(after)s cannot follow %(before)s.", after=after["name"], before=before["name"]))


def default_status(context: Context, lifecycle: str) -> int:
    """Return the id of a lifecycle's default status."""
    rows = label_rows(context, "statuses")
    return next(i for i, row in rows.items() if row["lifecycle"] == lifecycle and row["is_default_for_lifecycle"])


def _plan_category(draft: Draft, facts: Facts) -> None:
    asked = draft.patch.get("category_id")
    if asked is not None and facts.named("categories", asked) is None:
        draft.fail("category_id", _("does not exist"))
    product = facts.row("products", draft["product_id"])
    put_back = facts.forced and "category_id" in draft.patch
    if product is not None and draft.changed("product_id") and not put_back:
        draft["category_id"] = product["category_id"]
    if draft["category_id"] is None:
        draft.fail("category_id", _("Choose a category, or a product that has one."))
        return
    category = facts.named("categories", draft["category_id"])
    if category is not None and category["kind"] != "asset" and draft.changed("category_id"):
        draft.fail("category_id", _("This is not a category of assets."))


def _plan_warranty(draft: Draft) -> None:
    """Months since the purchase give the last day; a day given alone drops the months unless they agree."""
    months, bought = draft["warranty_months"], draft["purchased_on"]
    derived = _later(bought, months)
    if draft.changed("warranty_expires_on") and "warranty_months" not in draft.patch:
        if derived != draft["warranty_expires_on"]:
            draft["warranty_months"] = None
    elif derived is not None and (draft.is_new or draft.changed("warranty_months", "purchased_on")):
        draft["warranty_expires_on"] = derived
    expires = draft["warranty_expires_on"]
    if expires and bought and expires < bought and draft.changed("warranty_expires_on", "purchased_on"):
        draft.fail("warranty_expires_on", _("This is before the purchase."))


def _later(day: date | None, months: int | None) -> date | None:
    if day is None or months is None or day.year + months // 12 >= date.max.year:
        return None
    return add_months(day, months)


def _plan_end_of_life(draft: Draft, facts: Facts) -> None:
    product = facts.row("products", draft["product_id"])
    if product is None or "end_of_life_on" in draft.patch or not draft.changed("product_id", "purchased_on"):
        return
    if product["end_of_life_rule"] == "months":
        draft["end_of_life_on"] = _later(draft["purchased_on"], product["end_of_life_months"])
    elif product["end_of_life_rule"] == "fixed_date":
        draft["end_of_life_on"] = product["end_of_life_on"]


def _plan_maintenance(draft: Draft, facts: Facts) -> None:
    """Count the next maintenance from the last, else the purchase, else when the record was made."""
    given = draft.patch.get("next_maintenance_on")
    interval = draft["maintenance_interval_days"]
    inputs = ("maintenance_interval_days", "last_maintained_on", "purchased_on")
    if given is not None or interval is None:
        return
    if draft.is_new or draft.changed(*inputs) or draft["next_maintenance_on"] is None:
        since = draft["last_maintained_on"] or draft["purchased_on"] or _made_on(draft, facts)
        draft["next_maintenance_on"] = since + timedelta(days=min(interval, (date.max - since).days))


def _made_on(draft: Draft, facts: Facts) -> date:
    if draft.current is None:
        return facts.today
    made: date = draft.current["created_at"].astimezone(ZoneInfo(facts.context.tenant.timezone)).date()
    return made


def maintenance_status(context: Context, row: Mapping[str, Any]) -> str:
    """Return whether a thing's maintenance is disabled, overdue, due_soon (within 14 days) or current."""
    following = row["next_maintenance_on"]
    if not row["maintenance_enabled"]:
        return "disabled"
    if following is None or following > context.today + SOON:
        return "current"
    return "overdue" if following < context.today else "due_soon"


def terms_of(context: Context, row: Mapping[str, Any]) -> Terms | None:
    """Return how a thing loses its value: as it says itself, or else its product; None when neither does."""
    chosen = row["depreciation_id"] or row["product_depreciation_id"]
    if not chosen or (known := label_rows(context, "depreciations").get(chosen)) is None:
        return None
    return Terms(
        str(known["method"]),
        int(known["months"]),
        known["rate"],
        str(known["convention"]),
        known["minimum_value"],
        known["minimum_percent"],
    )


def value_on(context: Context, row: Mapping[str, Any], on: date) -> Decimal | None:
    """Return what a thing stands at in the books on a day, in its currency: its cost when nothing is written off.

    None when it has no cost, or is to be depreciated and nobody knows since when.
    """
    cost, terms = row["purchase_cost"], terms_of(context, row)
    if cost is None or (terms is not None and row["purchased_on"] is None):
        return None
    if terms is None:
        return Decimal(cost)
    return book_value(terms, cost, row["purchased_on"], on, places=minor_units(row["currency"]))


def value_today(context: Context, row: Mapping[str, Any]) -> Decimal | None:
    """Return what a thing stands at in the books today."""
    return value_on(context, row, context.today)


def minor_units(currency: str | None) -> int:
    """Return how many decimals a currency has: EUR 2, JPY 0, KWD 3."""
    return int(get_currency_precision(currency or "EUR"))


def offer_choices(context: Context, field: str, row: Mapping[str, Any] | None) -> set[int] | None:
    """Return the ids that a picker may offer, None for all: statuses that may follow, asset categories, technicians."""
    if field == "category_id":
        return {i for i, found in label_rows(context, "categories").items() if found["kind"] == "asset"}
    if field == "technician_id":
        return _technicians(context)
    if field != "status_id":
        return None
    rows = label_rows(context, "statuses")
    if row is None or row["status_id"] not in rows:
        return set(rows)
    now = str(rows[row["status_id"]]["lifecycle"])
    return {i for i, found in rows.items() if may_follow(now, str(found["lifecycle"]))}


def _technicians(context: Context) -> set[int]:
    persons = registry.resources["persons"].table
    query = select(persons.c.id).where(scoped(context.session, persons), persons.c.is_technician)
    return set(context.session.execute(query, execution_options=CHECKED).scalars())
