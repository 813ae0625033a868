"""Declaration of assets."""

from flask_babel import lazy_gettext as _l
from marshmallow import validate

from webapp.assets.models import Asset
from webapp.assets.rules import offer_choices, plan_asset
from webapp.core.access import MANAGERS
from webapp.core.fields import Amount, Day, Name, Reference, SoftDeletedSchema, Text, Through, Whole
from webapp.core.resource import Menu, Numbering, Resource, Unique

WHAT, WHERE, COST, NOTES = _l("What it is"), _l("Where it is"), _l("What it cost"), _l("Notes")


class AssetSchema(SoftDeletedSchema):
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
    location_id = Reference("locations", label=_l("Place"), group=WHERE)
    location = Name("location_id", label=_l("Place"))
    purchased_on = Day(label=_l("Bought on"), group=COST)
    purchase_cost = Amount(label=_l("Price"), group=COST)
    currency = Text(
        max=3,
        checks=(validate.Regexp(r"^[A-Z]{3}\Z", error=_l("Three capital letters, such as EUR.")),),
        label=_l("Currency"),
        group=COST,
    )
    order_number = Text(label=_l("Order number"), group=COST)
    warranty_months = Whole(min=0, max=1200, label=_l("Warranty"), suffix=_l("months"), group=COST)
    warranty_expires_on = Day(label=_l("Warranty until"), group=COST)
    end_of_life_on = Day(label=_l("End of life"), group=COST)
    notes = Text(max=10_000, multiline=True, label=_l("Notes"), group=NOTES)


ASSETS = Resource(
    name="assets",
    model=Asset,
    schema=AssetSchema,
    title=_l("Assets"),
    singular=_l("Asset"),
    icon="box",
    menu=Menu(label=_l("Assets"), group=_l("Assets"), icon="box", order=100),
    label="tag",
    subtitle="name",
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
        "location_id",
        "serial_number",
        "order_number",
        "purchased_on",
        "purchase_cost",
        "warranty_expires_on",
        "end_of_life_on",
        "tag",
    ),
    search=("tag", "serial_number", "name"),
    search_references=("product_id",),
    sort="-created_at",
    located_by="location_id",
    plan=plan_asset,
    offer=offer_choices,
    unique=(Unique(column="tag_key", field="tag"), Unique(column="serial_key", field="serial_number")),
    numbering=Numbering(series="asset_tag", column="tag", pattern="AST-%06d"),
    sync_key="serial_number",
    write_roles=MANAGERS | {"technician"},
)
RESOURCES = (ASSETS,)
