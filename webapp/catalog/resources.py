"""Declarations of the catalogue."""

from flask_babel import lazy_gettext as _l

from webapp.catalog.models import Category, Manufacturer, Product, Status
from webapp.catalog.rules import (
    guard_status,
    name_categories,
    plan_category,
    plan_product,
    plan_status,
    seed_statuses,
)
from webapp.core.fields import Amount, Choice, Day, Flag, Name, Reference, SoftDeletedSchema, Text, Whole
from webapp.core.resource import Menu, Resource, Unique

GROUP = _l("Catalogue")
WHAT, SUPPORT, END = _l("What it is"), _l("Support"), _l("End of life")
KIND_WORDS = {
    "asset": _l("Assets"),
    "accessory": _l("Accessories"),
    "component": _l("Components"),
    "consumable": _l("Consumables"),
    "license": _l("Licenses"),
    "inventory": _l("Inventory"),
}
LABEL_TYPE_WORDS = {
    "deployable": _l("Deployable"),
    "pending": _l("Pending"),
    "undeployable": _l("Not deployable"),
    "archived": _l("Archived"),
}
LIFECYCLE_WORDS = {
    "active": _l("Active"),
    "idle": _l("Idle"),
    "in_maintenance": _l("In maintenance"),
    "pending_install": _l("Pending install"),
    "in_transit": _l("In transit"),
    "lost": _l("Lost"),
    "non_compliant": _l("Non-compliant"),
    "decommissioned": _l("Decommissioned"),
    "retired": _l("Retired"),
}
END_OF_LIFE_WORDS = {
    "individual": _l("Each asset has its own"),
    "months": _l("Months after purchase"),
    "fixed_date": _l("One day for all"),
}


class CategorySchema(SoftDeletedSchema):
    """A kind of thing."""

    name = Text(required=True, key="name_key", label=_l("Name"), group=WHAT)
    kind = Choice(KIND_WORDS, load_default="asset", nullable=False, label=_l("Kind"), group=WHAT)
    parent_id = Reference("categories", label=_l("Part of"), group=WHAT)
    parent = Name("parent_id", label=_l("Part of"))
    notes = Text(max=10_000, multiline=True, label=_l("Notes"), group=WHAT)


class ManufacturerSchema(SoftDeletedSchema):
    """Who makes things."""

    name = Text(required=True, key="name_key", label=_l("Name"), group=WHAT)
    url = Text(label=_l("Website"), group=WHAT)
    support_url = Text(label=_l("Support website"), group=SUPPORT)
    support_phone = Text(label=_l("Support phone"), group=SUPPORT)
    support_email = Text(label=_l("Support e-mail"), group=SUPPORT)
    notes = Text(max=10_000, multiline=True, label=_l("Notes"), group=WHAT)


class ProductSchema(SoftDeletedSchema):
    """A model that assets are copies of."""

    name = Text(required=True, key="name_key", label=_l("Name"), group=WHAT)
    model_number = Text(key="model_number_key", exact=True, label=_l("Model number"), group=WHAT)
    manufacturer_id = Reference("manufacturers", label=_l("Manufacturer"), group=WHAT)
    manufacturer = Name("manufacturer_id", label=_l("Manufacturer"))
    category_id = Reference("categories", required=True, label=_l("Category"), group=WHAT)
    category = Name("category_id", label=_l("Category"))
    default_purchase_cost = Amount(label=_l("Usual price"), group=WHAT)
    end_of_life_rule = Choice(
        END_OF_LIFE_WORDS, load_default="individual", nullable=False, label=_l("End of life"), group=END
    )
    end_of_life_months = Whole(min=1, max=1200, label=_l("Months"), group=END)
    end_of_life_on = Day(label=_l("Day"), group=END)
    notes = Text(max=10_000, multiline=True, label=_l("Notes"), group=WHAT)


class StatusSchema(SoftDeletedSchema):
    """A word for the state of a thing."""

    name = Text(required=True, key="name_key", label=_l("Name"), group=WHAT)
    lifecycle = Choice(LIFECYCLE_WORDS, required=True, label=_l("Lifecycle"), group=WHAT)
    label_type = Choice(LABEL_TYPE_WORDS, required=True, label=_l("Type"), group=WHAT)
    is_default_for_lifecycle = Flag(dump_only=True, label=_l("First of its lifecycle"))
    is_system = Flag(dump_only=True, label=_l("Came with Quartermaster"))
    notes = Text(max=10_000, multiline=True, label=_l("Notes"), group=WHAT)


CATEGORIES = Resource(
    name="categories",
    model=Category,
    schema=CategorySchema,
    title=_l("Categories"),
    singular=_l("Category"),
    icon="category",
    menu=Menu(label=_l("Categories"), group=GROUP, icon="category", order=210),
    columns=("name", "kind", "parent"),
    filters=("kind", "parent_id"),
    search=("name",),
    cached=True,
    label_columns=("parent_id", "name", "kind"),
    build_labels=name_categories,
    plan=plan_category,
    unique=(Unique(column="name_key", field="name", within=("kind", "parent_key")),),
)
MANUFACTURERS = Resource(
    name="manufacturers",
    model=Manufacturer,
    schema=ManufacturerSchema,
    title=_l("Manufacturers"),
    singular=_l("Manufacturer"),
    icon="building-factory-2",
    menu=Menu(label=_l("Manufacturers"), group=GROUP, icon="building-factory-2", order=220),
    columns=("name", "url", "support_email", "support_phone"),
    filters=(),
    search=("name",),
    cached=True,
    unique=(Unique(column="name_key", field="name"),),
)
PRODUCTS = Resource(
    name="products",
    model=Product,
    schema=ProductSchema,
    title=_l("Products"),
    singular=_l("Product"),
    icon="device-laptop",
    menu=Menu(label=_l("Products"), group=GROUP, icon="device-laptop", order=200),
    columns=("name", "model_number", "manufacturer", "category", "end_of_life_rule"),
    filters=("manufacturer_id", "category_id", "model_number"),
    search=("name", "model_number"),
    search_references=("manufacturer_id",),
    label_columns=("manufacturer_id", "model_number"),
    plan=plan_product,
    unique=(Unique(column="name_key", field="name", within=("model_number_key", "manufacturer_key")),),
)
STATUSES = Resource(
    name="statuses",
    model=Status,
    schema=StatusSchema,
    title=_l("Statuses"),
    singular=_l("Status"),
    icon="circle-check",
    menu=Menu(label=_l("Statuses"), group=GROUP, icon="circle-check", order=230),
    columns=("name", "lifecycle", "label_type", "is_default_for_lifecycle"),
    filters=("lifecycle", "label_type"),
    search=("name",),
    cached=True,
    label_columns=("lifecycle", "label_type", "is_default_for_lifecycle"),
    plan=plan_status,
    guard=guard_status,
    unique=(Unique(column="name_key", field="name"),),
    write_roles=frozenset({"owner", "admin"}),
)
RESOURCES = (CATEGORIES, MANUFACTURERS, PRODUCTS, STATUSES)
SEEDS = (seed_statuses,)
