"""Rules of the catalogue, and the statuses that every organization starts with."""

from flask_babel import gettext as _
from sqlalchemy import select

from webapp.core.batch import write_rows
from webapp.core.blockers import blockers
from webapp.core.context import Context
from webapp.core.database import key_of
from webapp.core.errors import Conflict
from webapp.core.resource import registry
from webapp.core.tenancy import CHECKED, scoped
from webapp.core.writes import Draft, Facts, plan_change

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


def guard_status(context: Context, row: dict[str, object]) -> None:
    """Refuse to delete a status that came with Quartermaster."""
    if row["is_system"]:
        raise Conflict(_("This status came with Quartermaster and stays."), code="is_system")


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
    rule = draft["end_of_life_rule"]
    if rule == "months" and not draft["end_of_life_months"]:
        draft.fail("end_of_life_months", _("Say after how many months."))
    if rule == "fixed_date" and not draft["end_of_life_on"]:
        draft.fail("end_of_life_on", _("Say on which day."))


def name_categories(rows: dict[int, dict[str, object]]) -> None:
    """Give each subcategory its parent's name too: "Computers / Laptops"."""
    for row in rows.values():
        parent = rows.get(row["parent_id"]) if isinstance(row["parent_id"], int) else None
        row["label"] = f"{parent['name']} / {row['name']}" if parent else row["name"]
