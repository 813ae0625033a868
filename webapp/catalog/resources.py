"""Declarations of the catalogue."""

from flask_babel import lazy_gettext as _l
from marshmallow import validate

from webapp.catalog.custom_fields import CUSTOM_FIELDS, FIELD_SETS
from webapp.catalog.models import Category, Depreciation, Manufacturer, Product, Status, Supplier
from webapp.catalog.panels import PANELS as PANELS
from webapp.catalog.rules import (
    guard_status,
    keep_a_default,
    leave_one_default,
    name_categories,
    offer_for_product,
    plan_category,
    plan_depreciation,
    plan_product,
    plan_status,
    products_still_bought,
    seed_statuses,
)
from webapp.core.fields import Amount, Choice, CustomizedSchema, Day, Flag, Name, Number, Reference, Text, Url, Whole
from webapp.core.resource import Menu, Resource, Unique
from webapp.places.merge import merge_action
from webapp.places.resources import CONTACT, EMAIL, ORGANISATION, WHAT, address_fields, notes_field

GROUP = _l("Catalogue")
SUPPORT, END, HANDING, MONEY, LAST = (
    _l("Support"),
    _l("End of life"),
    _l("Handing over"),
    _l("Value"),
    _l("What remains"),
)
COLOR = validate.Regexp(r"^#[0-9a-fA-F]{6}\Z", error=_l("A colour as # and six digits, such as #2954b0."))
KIND_WORDS = {
    "asset": _l("Assets"),
    "accessory": _l("Accessories"),
    "component": _l("Components"),
    "consumable": _l("Consumables"),
    "license": _l("Licences"),
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


METHOD_WORDS = {
    "straight_line": _l("Straight line"),
    "declining": _l("Declining balance"),
    "double_declining": _l("Double declining balance"),
    "sum_of_years": _l("Sum of the years’ digits"),
}
CONVENTION_WORDS = {
    "full_month": _l("From the month of purchase"),
    "half_year": _l("Half a year in the first year"),
}


def color_field() -> Text:
    """Return the field of a colour that people tell things apart by."""
    return Text(max=7, checks=(COLOR,), label=_l("Colour"), mono=True, group=WHAT, help=_l("Such as #2954b0"))


class CategorySchema(CustomizedSchema):
    """A kind of thing."""

    name = Text(required=True, key="name_key", label=_l("Name"), group=WHAT)
    kind = Choice(KIND_WORDS, load_default="asset", nullable=False, label=_l("Kind"), group=WHAT)
    parent_id = Reference("categories", label=_l("Part of"), group=WHAT)
    parent = Name("parent_id", label=_l("Part of"))
    color = color_field()
    minimum_quantity = Whole(label=_l("Keep at least"), group=WHAT, help=_l("Fewer than this is low"))
    requires_acceptance = Flag(
        load_default=False, label=_l("Must be accepted"), group=HANDING, help=_l("Who is handed one confirms it")
    )
    use_default_eula = Flag(load_default=False, label=_l("The organisation’s own terms"), group=HANDING)
    checkout_email = Flag(load_default=False, label=_l("Mail at check-out"), group=HANDING)
    checkin_email = Flag(load_default=False, label=_l("Mail at check-in"), group=HANDING)
    eula = Text(max=10_000, multiline=True, label=_l("Terms of use"), group=HANDING)
    notes = notes_field(WHAT)


class ManufacturerSchema(CustomizedSchema):
    """Who makes things."""

    name = Text(required=True, key="name_key", label=_l("Name"), group=WHAT)
    url = Url(label=_l("Website"), group=WHAT)
    support_url = Url(label=_l("Support website"), group=SUPPORT)
    support_phone = Text(label=_l("Support phone"), group=SUPPORT)
    support_email = Text(checks=(EMAIL,), label=_l("Support e-mail"), group=SUPPORT)
    warranty_lookup_url = Url(label=_l("Where warranties are looked up"), group=SUPPORT)
    notes = notes_field(WHAT)


class SupplierSchema(CustomizedSchema):
    """Who sells things."""

    name = Text(required=True, key="name_key", label=_l("Name"), group=WHAT)
    url = Url(label=_l("Website"), group=WHAT)
    contact_name = Text(label=_l("Whom to ask for"), group=CONTACT)
    email = Text(checks=(EMAIL,), label=_l("E-mail"), group=CONTACT)
    phone = Text(label=_l("Phone"), group=CONTACT)
    fax = Text(label=_l("Fax"), group=CONTACT)
    address_line_1, address_line_2, city, state, zip, country = address_fields()
    notes = notes_field(WHAT)


class DepreciationSchema(CustomizedSchema):
    """How things lose their value."""

    name = Text(required=True, key="name_key", label=_l("Name"), group=WHAT)
    method = Choice(METHOD_WORDS, load_default="straight_line", nullable=False, label=_l("Method"), group=WHAT)
    months = Whole(required=True, min=1, max=1200, label=_l("Over"), suffix=_l("months"), group=WHAT)
    rate = Number(
        min=0, max=100, label=_l("Rate a year"), suffix="%", group=WHAT, help=_l("Only for declining balance")
    )
    convention = Choice(CONVENTION_WORDS, load_default="full_month", nullable=False, label=_l("It begins"), group=WHAT)
    minimum_value = Amount(label=_l("Never below"), group=LAST, help=_l("An amount, or a part of the price, not both"))
    minimum_percent = Number(min=0, max=100, label=_l("Never below, of the price"), suffix="%", group=LAST)
    notes = notes_field(LAST)


class ProductSchema(CustomizedSchema):
    """A model that assets are copies of."""

    name = Text(required=True, key="name_key", label=_l("Name"), group=WHAT)
    model_number = Text(key="model_number_key", exact=True, label=_l("Model number"), group=WHAT)
    manufacturer_id = Reference("manufacturers", label=_l("Manufacturer"), group=WHAT)
    manufacturer = Name("manufacturer_id", label=_l("Manufacturer"))
    category_id = Reference("categories", required=True, label=_l("Category"), group=WHAT)
    category = Name("category_id", label=_l("Category"))
    minimum_quantity = Whole(label=_l("Keep at least"), group=WHAT, help=_l("Fewer than this is low"))
    is_requestable = Flag(load_default=False, label=_l("May be asked for"), group=WHAT)
    is_archived = Flag(
        load_default=False, label=_l("Archived"), group=WHAT, help=_l("No more are bought; it is not offered")
    )
    default_purchase_cost = Amount(label=_l("Usual price"), group=MONEY)
    depreciation_id = Reference("depreciations", label=_l("Depreciation"), group=MONEY)
    depreciation = Name("depreciation_id", label=_l("Depreciation"))
    field_set_id = Reference(
        "field-sets", label=_l("Field set"), group=WHAT, help=_l("Own fields that its assets have")
    )
    field_set = Name("field_set_id", label=_l("Field set"))
    end_of_life_rule = Choice(
        END_OF_LIFE_WORDS, load_default="individual", nullable=False, label=_l("End of life"), group=END
    )
    end_of_life_months = Whole(min=1, max=1200, label=_l("Months"), group=END)
    end_of_life_on = Day(label=_l("Day"), group=END)
    notes = notes_field(WHAT)


class StatusSchema(CustomizedSchema):
    """A word for the state of a thing."""

    name = Text(required=True, key="name_key", label=_l("Name"), group=WHAT)
    lifecycle = Choice(LIFECYCLE_WORDS, required=True, label=_l("Lifecycle"), group=WHAT)
    label_type = Choice(LABEL_TYPE_WORDS, required=True, label=_l("Type"), group=WHAT)
    is_default_for_lifecycle = Flag(
        load_default=False,
        label=_l("First of its lifecycle"),
        group=WHAT,
        help=_l("Each lifecycle has one; choosing this one ends another"),
    )
    color = color_field()
    show_in_nav = Flag(load_default=False, label=_l("In the menu"), group=WHAT)
    is_system = Flag(dump_only=True, label=_l("Came with Quartermaster"))
    notes = notes_field(WHAT)


CATEGORIES = Resource(
    name="categories",
    model=Category,
    schema=CategorySchema,
    title=_l("Categories"),
    singular=_l("Category"),
    icon="category",
    menu=Menu(label=_l("Categories"), group=GROUP, icon="category", order=210),
    columns=("name", "kind", "parent", "requires_acceptance", "minimum_quantity"),
    filters=("kind", "parent_id", "requires_acceptance"),
    search=("name",),
    cached=True,
    label_columns=("parent_id", "name", "kind"),
    build_labels=name_categories,
    plan=plan_category,
    unique=(Unique(column="name_key", field="name", within=("kind", "parent_key")),),
    actions=(merge_action("categories"),),
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
    actions=(merge_action("manufacturers"),),
)
SUPPLIERS = Resource(
    name="suppliers",
    model=Supplier,
    schema=SupplierSchema,
    title=_l("Suppliers"),
    singular=_l("Supplier"),
    icon="truck-delivery",
    menu=Menu(label=_l("Suppliers"), group=ORGANISATION, icon="truck-delivery", order=350),
    columns=("name", "contact_name", "email", "phone", "city", "country"),
    filters=("city", "country"),
    search=("name", "contact_name", "email", "city"),
    unique=(Unique(column="name_key", field="name"),),
    actions=(merge_action("suppliers"),),
    remembered=True,
)
DEPRECIATIONS = Resource(
    name="depreciations",
    model=Depreciation,
    schema=DepreciationSchema,
    title=_l("Depreciations"),
    singular=_l("Depreciation"),
    icon="trending-down",
    menu=Menu(label=_l("Depreciations"), group=GROUP, icon="trending-down", order=240),
    columns=("name", "method", "months", "rate", "convention", "minimum_value", "minimum_percent"),
    filters=("method", "months", "convention"),
    search=("name",),
    cached=True,
    label_columns=("method", "months", "rate", "convention", "minimum_value", "minimum_percent"),
    plan=plan_depreciation,
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
    filters=(
        "manufacturer_id",
        "category_id",
        "depreciation_id",
        "model_number",
        "end_of_life_rule",
        "is_requestable",
        "is_archived",
    ),
    search=("name", "model_number"),
    search_references=("manufacturer_id",),
    label_columns=("manufacturer_id", "model_number", "depreciation_id", "field_set_id"),
    plan=plan_product,
    offer=offer_for_product,
    offered=products_still_bought,
    unique=(Unique(column="name_key", field="name", within=("model_number_key", "manufacturer_key")),),
    actions=(merge_action("products"),),
    sync_key="name",
    remembered=True,
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
    filters=("lifecycle", "label_type", "is_default_for_lifecycle"),
    search=("name",),
    cached=True,
    label_columns=("lifecycle", "label_type", "is_default_for_lifecycle", "show_in_nav"),
    plan=plan_status,
    prepare=leave_one_default,
    settle=keep_a_default,
    guard=guard_status,
    unique=(Unique(column="name_key", field="name"),),
    write_roles=frozenset({"owner", "admin"}),
)
RESOURCES = (CATEGORIES, MANUFACTURERS, SUPPLIERS, DEPRECIATIONS, CUSTOM_FIELDS, FIELD_SETS, PRODUCTS, STATUSES)
SEEDS = (seed_statuses,)
