"""Rules of assets: what a patch comes to, and which states may follow which."""

import calendar
from collections.abc import Mapping
from datetime import date
from typing import Any

from flask_babel import gettext as _

from webapp.core.context import Context
from webapp.core.database import key_of
from webapp.core.labels import label_rows
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
    serial = draft["serial_number"]
    draft["serial_key"] = key_of(serial) if serial and facts.setting("unique_serial", True) else None
    if draft["purchase_cost"] is not None and not draft["currency"]:
        draft["currency"] = facts.context.tenant.currency
    _plan_warranty(draft)
    _plan_end_of_life(draft, facts)


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
    if asked is not None and facts.row("categories", asked) is None:
        draft.fail("category_id", _("does not exist"))
    product = facts.row("products", draft["product_id"])
    put_back = facts.forced and "category_id" in draft.patch
    if product is not None and draft.changed("product_id") and not put_back:
        draft["category_id"] = product["category_id"]
    if draft["category_id"] is None:
        draft.fail("category_id", _("Choose a category, or a product that has one."))
        return
    category = facts.row("categories", draft["category_id"])
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


def offer_choices(context: Context, field: str, row: Mapping[str, Any] | None) -> set[int] | None:
    """Return the ids that a picker may offer: statuses that may follow, categories of assets; None for all."""
    if field == "category_id":
        return {i for i, found in label_rows(context, "categories").items() if found["kind"] == "asset"}
    if field != "status_id":
        return None
    rows = label_rows(context, "statuses")
    if row is None or row["status_id"] not in rows:
        return set(rows)
    now = str(rows[row["status_id"]]["lifecycle"])
    return {i for i, found in rows.items() if may_follow(now, str(found["lifecycle"]))}
