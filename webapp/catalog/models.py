"""Categories, manufacturers, suppliers, depreciations, products and statuses."""

from datetime import date

from sqlalchemy import CheckConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.addresses import Addressed
from webapp.core.custom import Customized
from webapp.core.database import ForeignId, KeyColumn, LongText, Model, MoneyAmount, ShortText
from webapp.core.tenancy import (
    Entity,
    SoftDeleted,
    tenant_reference,
    tenant_table_arguments,
    unique_among_living,
)

CATEGORY_KINDS = ("asset", "accessory", "component", "consumable", "license", "inventory")
LABEL_TYPES = ("deployable", "pending", "undeployable", "archived")
LIFECYCLES = (
    "active",
    "idle",
    "in_maintenance",
    "pending_install",
    "in_transit",
    "lost",
    "non_compliant",
    "decommissioned",
    "retired",
)
END_OF_LIFE_RULES = ("fixed_date", "months", "individual")
METHODS = ("straight_line", "declining", "double_declining", "sum_of_years")
CONVENTIONS = ("full_month", "half_year")


class Category(Entity, SoftDeleted, Customized, Model):
    """A kind of thing: "Laptop", and below it "Ultrabook"."""

    __tablename__ = "categories"

    kind: Mapped[str] = mapped_column(String(16))
    parent_id: Mapped[ForeignId | None]
    parent_key: Mapped[ForeignId] = mapped_column(default=0)
    name: Mapped[ShortText]
    name_key: Mapped[KeyColumn]
    color: Mapped[str | None] = mapped_column(String(7))
    minimum_quantity: Mapped[int | None]
    eula: Mapped[LongText | None]
    use_default_eula: Mapped[bool] = mapped_column(default=False)
    requires_acceptance: Mapped[bool] = mapped_column(default=False)
    checkin_email: Mapped[bool] = mapped_column(default=False)
    checkout_email: Mapped[bool] = mapped_column(default=False)
    notes: Mapped[LongText | None]
    search_text: Mapped[LongText]

    __table_args__ = tenant_table_arguments(
        *tenant_reference("categories", "parent_id"),
        CheckConstraint(f"kind IN {CATEGORY_KINDS}", name="kind"),
        CheckConstraint("parent_key = coalesce(parent_id, 0)", name="parent_key"),
        unique_among_living("uq_categories_living", "kind", "parent_key", "name_key"),
        Index(None, "organization_id", "parent_id"),
    )


class Manufacturer(Entity, SoftDeleted, Customized, Model):
    """Who makes things: "Sony"."""

    __tablename__ = "manufacturers"

    name: Mapped[ShortText]
    name_key: Mapped[KeyColumn]
    url: Mapped[ShortText | None]
    support_url: Mapped[ShortText | None]
    support_phone: Mapped[ShortText | None]
    support_email: Mapped[ShortText | None]
    warranty_lookup_url: Mapped[ShortText | None]
    notes: Mapped[LongText | None]
    search_text: Mapped[LongText]

    __table_args__ = tenant_table_arguments(unique_among_living("uq_manufacturers_living", "name_key"))


class Supplier(Entity, SoftDeleted, Customized, Addressed, Model):
    """Who sells things: "B&H Photo"."""

    __tablename__ = "suppliers"

    name: Mapped[ShortText]
    name_key: Mapped[KeyColumn]
    contact_name: Mapped[ShortText | None]
    email: Mapped[ShortText | None]
    phone: Mapped[ShortText | None]
    fax: Mapped[ShortText | None]
    url: Mapped[ShortText | None]
    notes: Mapped[LongText | None]
    search_text: Mapped[LongText]

    __table_args__ = tenant_table_arguments(unique_among_living("uq_suppliers_living", "name_key"))


class Depreciation(Entity, SoftDeleted, Customized, Model):
    """How things lose their value: "Computers, three years, straight line"."""

    __tablename__ = "depreciations"

    name: Mapped[ShortText]
    name_key: Mapped[KeyColumn]
    method: Mapped[str] = mapped_column(String(24))
    months: Mapped[int]
    rate: Mapped[MoneyAmount | None]
    convention: Mapped[str] = mapped_column(String(16), default="full_month")
    minimum_value: Mapped[MoneyAmount | None]
    minimum_percent: Mapped[MoneyAmount | None]
    notes: Mapped[LongText | None]
    search_text: Mapped[LongText]

    __table_args__ = tenant_table_arguments(
        CheckConstraint(f"method IN {METHODS}", name="method"),
        CheckConstraint(f"convention IN {CONVENTIONS}", name="convention"),
        CheckConstraint("minimum_value IS NULL OR minimum_percent IS NULL", name="one_minimum"),
        unique_among_living("uq_depreciations_living", "name_key"),
    )


class Product(Entity, SoftDeleted, Customized, Model):
    """A model that assets are copies of: "Sony ILME-FX3"."""

    __tablename__ = "products"

    name: Mapped[ShortText]
    name_key: Mapped[KeyColumn]
    model_number: Mapped[ShortText | None]
    model_number_key: Mapped[KeyColumn] = mapped_column(default="")
    category_id: Mapped[ForeignId]
    manufacturer_id: Mapped[ForeignId | None]
    manufacturer_key: Mapped[ForeignId] = mapped_column(default=0)
    end_of_life_rule: Mapped[str] = mapped_column(String(16), default="individual")
    end_of_life_on: Mapped[date | None]
    end_of_life_months: Mapped[int | None]
    default_purchase_cost: Mapped[MoneyAmount | None]
    depreciation_id: Mapped[ForeignId | None]
    field_set_id: Mapped[ForeignId | None]
    minimum_quantity: Mapped[int | None]
    is_requestable: Mapped[bool] = mapped_column(default=False)
    is_archived: Mapped[bool] = mapped_column(default=False)
    notes: Mapped[LongText | None]
    search_text: Mapped[LongText]

    __table_args__ = tenant_table_arguments(
        *tenant_reference("categories", "category_id"),
        *tenant_reference("manufacturers", "manufacturer_id"),
        *tenant_reference("depreciations", "depreciation_id"),
        *tenant_reference("field_sets", "field_set_id"),
        CheckConstraint(f"end_of_life_rule IN {END_OF_LIFE_RULES}", name="end_of_life_rule"),
        CheckConstraint("manufacturer_key = coalesce(manufacturer_id, 0)", name="manufacturer_key"),
        unique_among_living("uq_products_living", "name_key", "model_number_key", "manufacturer_key"),
        Index(None, "organization_id", "category_id"),
        Index(None, "organization_id", "manufacturer_id"),
        Index(None, "organization_id", "depreciation_id"),
        Index(None, "organization_id", "name_key", "id"),
    )


class Status(Entity, SoftDeleted, Customized, Model):
    """A word for the state of a thing, in one of nine lifecycles: "Ready to deploy" is active."""

    __tablename__ = "statuses"

    name: Mapped[ShortText]
    name_key: Mapped[KeyColumn]
    label_type: Mapped[str] = mapped_column(String(16))
    lifecycle: Mapped[str] = mapped_column(String(16))
    tageur_code: Mapped[str | None] = mapped_column(String(32))
    assettiger_name: Mapped[str | None] = mapped_column(String(64))
    is_default_for_lifecycle: Mapped[bool] = mapped_column(default=False)
    color: Mapped[str | None] = mapped_column(String(7))
    show_in_nav: Mapped[bool] = mapped_column(default=False)
    is_system: Mapped[bool] = mapped_column(default=False)
    notes: Mapped[LongText | None]
    search_text: Mapped[LongText]

    __table_args__ = tenant_table_arguments(
        CheckConstraint(f"label_type IN {LABEL_TYPES}", name="label_type"),
        CheckConstraint(f"lifecycle IN {LIFECYCLES}", name="lifecycle"),
        unique_among_living("uq_statuses_living", "name_key"),
        unique_among_living("uq_statuses_tageur_code", "tageur_code"),
        unique_among_living("uq_statuses_default", "lifecycle", where="is_default_for_lifecycle"),
    )
