"""Rules of the catalogue, and the statuses that every organization starts with."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, select

from webapp.catalog.models import Product, Status
from webapp.core.batch import write_rows
from webapp.core.blockers import blockers
from webapp.core.context import Context
from webapp.core.database import key_of, table_of
from webapp.core.errors import Conflict
from webapp.core.labels import label_rows
from webapp.core.resource import registry
from webapp.core.tenancy import CHECKED, hold, scoped
from webapp.core.writes import Change, Draft, Facts, plan_change

# name, label type, lifecycle, default of its lifecycle, Tageur's code, AssetTiger's name
STATUSES = (
    ("Active", "deployable", "active", True, "operational", "Available"),
    ("Idle", "deployable", "idle", True, "idle", "Available"),
    ("In Maintenance", "pending", "in_maintenance", True, "maintenance", "Under repair"),
    ("Pending Install", "pending", "pending_install", True, "pending_install", "Available"),
    ("In Transit", "pending", "in_transit", True, "in_transit", "Available"),
    ("Lost", "undeployable", "lost", True, "lost", "Lost/Missing"),
    ("Non-Compliant", "undeployable", "non_compliant", True, "non_compliant", "Under repair"),
    ("Broken", "undeployable", "in_maintenance", False, "broken", "Broken"),
    ("Retired", "archived", "retired", True, "retired", "Disposed"),
    ("Decommissioned", "archived", "decommissioned", True, "decommissioned", "Disposed"),
    ("Disposed", "archived", "decommissioned", False, "disposed", "Disposed"),
    ("Sold", "archived", "decommissioned", False, "sold", "Sold"),
    ("Donated", "archived", "decommissioned", False, "donated", "Donated"),
)


def seed_statuses(context: Context) -> None:
    """Give a new organization the thirteen statuses of the common model."""
    statuses, facts = registry.resources["statuses"], Facts(context)
    drafts = []
    for name, label_type, lifecycle, is_default, tageur, assettiger in STATUSES:
        patch = {"name": name, "label_type": label_type, "lifecycle": lifecycle}
        draft = plan_change(statuses, None, patch, facts)
        draft["is_system"], draft["is_default_for_lifecycle"] = True, is_default
        draft["tageur_code"], draft["assettiger_name"] = tageur, assettiger
        drafts.append(draft)
    write_rows(context, statuses, drafts)


def plan_status(draft: Draft, facts: Facts) -> None:
    """Say what a status will be: a seeded one keeps its lifecycle and type, its name is free."""
    if draft["is_system"] and draft.changed("lifecycle", "label_type"):
        name = "lifecycle" if draft.changed("lifecycle") else "label_type"
        draft.fail(name, _("This status came with Quartermaster; only its name can change."))
    if facts.forced or not (draft.current or {}).get("is_default_for_lifecycle"):
        return
    if draft.changed("lifecycle"):
        draft.fail("lifecycle", _("It is the first of its lifecycle. Make another one the first before."))
    elif draft.changed("is_default_for_lifecycle"):
        draft.fail("is_default_for_lifecycle", _("Each lifecycle has a first status. Make another one the first."))


def leave_one_default(context: Context, drafts: list[Draft]) -> list[Draft]:
    """Return what makes way for drafts that become the first of their lifecycle; refuse a lifecycle without one."""
    touched = [d for d in drafts if d.changed("is_default_for_lifecycle", "lifecycle", "deleted_at")]
    chosen = Counter(d["lifecycle"] for d in touched if d["is_default_for_lifecycle"] and not d["deleted_at"])
    staying = [d.current for d in touched if d.current is not None and not d["deleted_at"]]
    left = {row["lifecycle"] for row in staying if row["is_default_for_lifecycle"]}
    if not chosen and not left:
        return []
    hold(context.session, "first statuses")
    table = table_of(Status)
    query = select(table).where(
        scoped(context.session, table), table.c.is_default_for_lifecycle, table.c.deleted_at.is_(None)
    )
    written = {draft.current["id"] for draft in drafts if draft.current is not None}
    rows = [dict(row) for row in context.session.execute(query, execution_options=CHECKED).mappings()]
    others = {row["lifecycle"]: row for row in rows if row["id"] not in written}
    if max(chosen.values(), default=0) > 1 or left - set(chosen) - set(others):
        raise Conflict(_("Each lifecycle has one first status."), code="one_default")
    statuses = drafts[0].resource
    return [Draft(statuses, others[c], {}, {"is_default_for_lifecycle": False}) for c in chosen if c in others]


def plan_depreciation(draft: Draft, facts: Facts) -> None:
    """Say how things will lose their value: a rate for the declining balance alone, one kind of minimum at most."""
    if draft["method"] == "declining" and not draft["rate"]:
        draft.fail("rate", _("Say how much a year."))
    if draft["method"] != "declining" and draft["rate"] is not None:
        draft.fail("rate", _("Only the declining balance has a rate."))
    if draft["minimum_value"] is not None and draft["minimum_percent"] is not None:
        draft.fail("minimum_percent", _("Give an amount or a part of the price, not both."))


def keep_a_default(context: Context, changes: list[Change]) -> None:
    """Let a seeded status step in where the undo of its creation takes the first of a lifecycle away."""
    statuses = registry.resources["statuses"]
    for change in changes:
        before = change.before or {}
        if before.get("is_default_for_lifecycle") and before["deleted_at"] is None and change.after["deleted_at"]:
            table = statuses.table
            living = (
                scoped(context.session, table),
                table.c.lifecycle == before["lifecycle"],
                table.c.deleted_at.is_(None),
            )
            query = select(table).where(*living).order_by(table.c.is_system.desc(), table.c.id).limit(1)
            row = dict(context.session.execute(query, execution_options=CHECKED).mappings().one())
            write_rows(context, statuses, [Draft(statuses, row, {}, {"is_default_for_lifecycle": True})])


def guard_status(context: Context, row: dict[str, object]) -> None:
    """Refuse to delete a status that came with Quartermaster, or that is the first of its lifecycle."""
    if row["is_system"]:
        raise Conflict(_("This status came with Quartermaster and stays."), code="is_system")
    if row["is_default_for_lifecycle"]:
        words = _("It is the first of its lifecycle. Make another one the first before.")
        raise Conflict(words, code="is_default")


def plan_category(draft: Draft, facts: Facts) -> None:
    """Say what a category will be: at most two levels, of one kind."""
    draft["parent_key"] = draft["parent_id"] or 0
    if draft.changed("parent_id", "kind") and (draft["parent_id"] is not None or not draft.is_new):
        facts.hold("categories")
    parent = facts.row("categories", draft["parent_id"])
    own = None if draft.current is None else draft.current["id"]
    if parent is not None and draft.changed("parent_id", "kind"):
        if parent["id"] == own:
            draft.fail("parent_id", _("A category cannot stand in itself."))
        elif parent["parent_id"] is not None or _has_children(draft, facts):
            draft.fail("parent_id", _("Categories are at most two levels deep."))
        elif parent["kind"] != draft["kind"]:
            draft.fail("parent_id", _("It is of another kind."))
    if own is not None and draft.changed("kind") and blockers(facts.context, draft.resource, [own]):
        draft.fail("kind", _("Things of its kind are filed under it."))


def _has_children(draft: Draft, facts: Facts) -> bool:
    if draft.current is None:
        return False
    session, table = facts.context.session, draft.resource.table
    query = select(table.c.id).where(
        scoped(session, table), table.c.parent_id == draft.current["id"], table.c.deleted_at.is_(None)
    )
    return session.execute(query.limit(1), execution_options=CHECKED).first() is not None


def plan_product(draft: Draft, facts: Facts) -> None:
    """Say what a product will be: its number and maker part of its identity, its end-of-life rule complete."""
    draft["model_number_key"] = key_of(draft["model_number"] or "")
    draft["manufacturer_key"] = draft["manufacturer_id"] or 0
    category = facts.row("categories", draft["category_id"])
    if category is not None and category["kind"] != "asset" and draft.changed("category_id"):
        draft.fail("category_id", _("This is not a category of assets."))
    rule = draft["end_of_life_rule"]
    if rule == "months" and not draft["end_of_life_months"]:
        draft.fail("end_of_life_months", _("Say after how many months."))
    if rule == "fixed_date" and not draft["end_of_life_on"]:
        draft.fail("end_of_life_on", _("Say on which day."))


def products_still_bought(context: Context) -> ColumnElement[bool]:
    """Return the predicate of the products that are offered for new references: archived ones are not."""
    return table_of(Product).c.is_archived.is_(False)


def offer_for_product(context: Context, field: str, row: Mapping[str, Any] | None) -> set[int] | None:
    """Return the ids that a product's picker may offer: categories of assets; None for all."""
    if field != "category_id":
        return None
    return {i for i, found in label_rows(context, "categories").items() if found["kind"] == "asset"}


def name_categories(rows: dict[int, dict[str, object]]) -> None:
    """Give each subcategory its parent's name too: "Computers / Laptops"."""
    for row in rows.values():
        parent = rows.get(row["parent_id"]) if isinstance(row["parent_id"], int) else None
        row["label"] = f"{parent['name']} / {row['name']}" if parent else row["name"]
