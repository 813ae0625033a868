"""Declaration of assets."""

from collections.abc import Iterator, Mapping

from flask_babel import lazy_gettext as _l
from marshmallow import validate

from webapp.assets.containers import keep_together
from webapp.assets.dashboard import PANELS as DASHBOARD
from webapp.assets.models import FLAGS, Asset
from webapp.assets.panels import PANELS as BESIDE
from webapp.assets.rules import maintenance_status, offer_choices, plan_asset, value_today
from webapp.core.access import MANAGERS
from webapp.core.context import Context
from webapp.core.fields import (
    Amount,
    Choice,
    CustomizedSchema,
    Day,
    Derived,
    Flag,
    Name,
    Number,
    Reference,
    Text,
    Through,
    Whole,
)
from webapp.core.labels import label_rows
from webapp.core.resource import Menu, Numbering, Resource, Unique
from webapp.faces.rendering import state_of

WHAT, WHERE, WHO = _l("What it is"), _l("Where it is"), _l("Who answers for it")
COST, END, CARE, NOTES = _l("What it cost"), _l("Warranty and end of life"), _l("Maintenance"), _l("Notes")
OWNERSHIP_WORDS = {
    "company-owned": _l("Our own"),
    "leased": _l("Leased"),
    "rented": _l("Rented"),
    "customer-owned": _l("A customer's"),
}
MAINTENANCE_WORDS = {
    "disabled": _l("Not planned"),
    "overdue": _l("Overdue"),
    "due_soon": _l("Due soon"),
    "current": _l("Up to date"),
}
VALUED_BY = ("purchase_cost", "currency", "purchased_on", "depreciation_id", "product_depreciation_id")


class AssetSchema(CustomizedSchema):
    """One thing the organization owns."""

    tag = Text(
        key="tag_key", nullable=True, label=_l("Tag"), group=WHAT, mono=True, help=_l("Empty takes the next number")
    )
    name = Text(key="name_key", label=_l("Name"), group=WHAT, help=_l("Empty takes the product's name"))
    product_id = Reference("products", label=_l("Product"), group=WHAT, help=_l("Sets the category"))
    product = Name("product_id", label=_l("Product"))
    serial_number = Text(key="serial_key", exact=True, label=_l("Serial number"), group=WHAT, mono=True)
    category_id = Reference("categories", label=_l("Category"), group=WHAT)
    category = Name("category_id", label=_l("Category"))
    manufacturer_id = Through(
        "product_id", "manufacturer_id", like=Reference("manufacturers"), label=_l("Manufacturer")
    )
    manufacturer = Name("manufacturer_id", label=_l("Manufacturer"))
    model_number = Through("product_id", "model_number", like=Text(), label=_l("Model number"))
    status_id = Reference("statuses", label=_l("State"), group=WHAT, help=_l("Only what may follow is offered"))
    status = Name("status_id", label=_l("State"))
    condition = Whole(
        min=1, max=5, label=_l("Condition"), suffix=_l("of 5"), group=WHAT, help=_l("1 is broken, 5 is as new")
    )
    description = Text(max=10_000, multiline=True, label=_l("Description"), group=WHAT)
    is_requestable = Flag(load_default=False, label=_l("May be asked for"), group=WHAT)
    location_id = Reference(
        "locations", label=_l("Place"), group=WHERE, help=_l("What is inside something is where that is")
    )
    location = Name("location_id", label=_l("Place"))
    home_location_id = Reference(
        "locations", label=_l("Belongs at"), group=WHERE, help=_l("Where it goes back to after use")
    )
    home_location = Name("home_location_id", label=_l("Belongs at"))
    parent_id = Reference("assets", label=_l("Inside"), group=WHERE, help=_l("The case, vehicle or machine it is in"))
    parent = Name("parent_id", label=_l("Inside"))
    latitude = Number(
        min=-90, max=90, places=6, label=_l("Latitude"), suffix="°", group=WHERE, help=_l("North is positive")
    )
    longitude = Number(
        min=-180, max=180, places=6, label=_l("Longitude"), suffix="°", group=WHERE, help=_l("East is positive")
    )
    technician_id = Reference(
        "persons",
        label=_l("Technician"),
        group=WHO,
        help=_l("Only people marked as technicians are offered"),
        made_with={"is_technician": True},
    )
    technician = Name("technician_id", label=_l("Technician"))
    department_id = Reference("departments", label=_l("Department"), group=WHO)
    department = Name("department_id", label=_l("Department"))
    company_id = Reference("companies", label=_l("Company"), group=WHO)
    company = Name("company_id", label=_l("Company"))
    ownership = Choice(OWNERSHIP_WORDS, label=_l("Ownership"), group=WHO)
    is_byod = Flag(load_default=False, label=_l("Brought by an employee"), group=WHO)
    purchased_on = Day(label=_l("Bought on"), group=COST)
    purchase_cost = Amount(label=_l("Price"), group=COST)
    currency = Text(
        max=3,
        checks=(validate.Regexp(r"^[A-Z]{3}\Z", error=_l("Three capital letters, such as EUR.")),),
        label=_l("Currency"),
        group=COST,
    )
    supplier_id = Reference("suppliers", label=_l("Supplier"), group=COST)
    supplier = Name("supplier_id", label=_l("Supplier"))
    order_number = Text(label=_l("Order number"), group=COST)
    depreciation_id = Reference(
        "depreciations", label=_l("Depreciation"), group=COST, help=_l("Empty takes the product's")
    )
    depreciation = Name("depreciation_id", label=_l("Depreciation"))
    product_depreciation_id = Through(
        "product_id",
        "depreciation_id",
        like=Reference("depreciations"),
        label=_l("Product's depreciation"),
        group=COST,
    )
    product_depreciation = Name("product_depreciation_id", label=_l("Product's depreciation"))
    book_value = Derived(Amount(), needs=VALUED_BY, compute=value_today, label=_l("Book value"))
    warranty_months = Whole(min=0, max=1200, label=_l("Warranty"), suffix=_l("months"), group=END)
    warranty_expires_on = Day(label=_l("Warranty until"), group=END, help=_l("Empty is counted from the purchase"))
    end_of_life_on = Day(label=_l("End of life"), group=END, help=_l("Empty takes the product's rule"))
    maintenance_enabled = Flag(load_default=False, label=_l("Maintenance is planned"), group=CARE)
    maintenance_interval_days = Whole(min=1, max=36_500, label=_l("Every"), suffix=_l("days"), group=CARE)
    last_maintained_on = Day(label=_l("Last maintained"), group=CARE)
    next_maintenance_on = Day(
        label=_l("Next maintenance"), group=CARE, help=_l("Empty is counted from the last, or the purchase")
    )
    maintenance_status = Derived(
        Choice(MAINTENANCE_WORDS),
        needs=("maintenance_enabled", "next_maintenance_on"),
        compute=maintenance_status,
        label=_l("Maintenance"),
    )
    last_audited_on = Day(label=_l("Last seen in an audit"), group=CARE)
    next_audit_on = Day(label=_l("Next audit"), group=CARE)
    notes = Text(max=10_000, multiline=True, label=_l("Notes"), group=NOTES)


def statuses_in_menu(context: Context) -> Iterator[tuple[str, str, Mapping[str, str]]]:
    """Yield the lists of assets in the states that are to stand in the menu."""
    for status_id, row in label_rows(context, "statuses").items():
        if row["show_in_nav"] and not row["deleted_at"]:
            yield str(row["label"]), state_of(str(row["lifecycle"]))[0], {"status_id": str(status_id)}


ASSETS = Resource(
    name="assets",
    model=Asset,
    schema=AssetSchema,
    title=_l("Assets"),
    singular=_l("Asset"),
    icon="box",
    menu=Menu(label=_l("Assets"), group=_l("Assets"), icon="box", order=100, below=statuses_in_menu),
    label="tag",
    subtitle="name",
    label_columns=("name",),
    columns=(
        "tag",
        "name",
        "status",
        "product",
        "serial_number",
        "category",
        "location",
        "purchase_cost",
        "warranty_expires_on",
    ),
    filters=(
        "status_id",
        "category_id",
        "product_id",
        "manufacturer_id",
        "model_number",
        "location_id",
        "home_location_id",
        "parent_id",
        "technician_id",
        "department_id",
        "company_id",
        "supplier_id",
        "serial_number",
        "condition",
        "ownership",
        "is_byod",
        "is_requestable",
        "order_number",
        "purchased_on",
        "purchase_cost",
        "currency",
        "depreciation_id",
        "warranty_expires_on",
        "end_of_life_on",
        "maintenance_enabled",
        "last_maintained_on",
        "next_maintenance_on",
        "last_audited_on",
        "next_audit_on",
        "tag",
        "name",
    ),
    search=("tag", "serial_number", "name"),
    search_references=("product_id",),
    sort="-created_at",
    unsorted=frozenset(FLAGS) | {"latitude", "longitude", "currency", "maintenance_interval_days"},  # no index
    located_by="location_id",
    plan=plan_asset,
    settle=keep_together,
    offer=offer_choices,
    unique=(
        Unique(column="tag_key", field="tag"),
        Unique(column="serial_key", field="serial_number", setting="unique_serial"),
    ),
    numbering=Numbering(series="asset_tag", column="tag", pattern="AST-%06d"),
    sync_key="serial_number",
    field_sets="product_id",
    write_roles=MANAGERS | {"technician"},
)
RESOURCES = (ASSETS,)
PANELS = (*DASHBOARD, *BESIDE)
