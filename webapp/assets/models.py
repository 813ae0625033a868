"""Assets."""

from datetime import date
from decimal import Decimal

from sqlalchemy import CheckConstraint, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.custom import Customized
from webapp.core.database import Degrees, ForeignId, KeyColumn, LongText, Model, MoneyAmount, ShortText
from webapp.core.tenancy import Entity, SoftDeleted, tenant_reference, tenant_table_arguments, unique_among_living

OWNERSHIPS = ("company-owned", "leased", "rented", "customer-owned")
# of the living alone, so that a count need not look at the rows; every list but that of the deleted is about them
ORDERED = (
    "created_at",
    "updated_at",
    "name_key",
    "serial_number",
    "status_id",
    "category_id",
    "product_id",
    "location_id",
    "purchased_on",
    "warranty_expires_on",
)
# empty on most things: only those that have one stand in the index
SELDOM = (
    "home_location_id",
    "parent_id",
    "technician_id",
    "department_id",
    "company_id",
    "supplier_id",
    "depreciation_id",
    "end_of_life_on",
    "next_maintenance_on",
    "next_audit_on",
    "last_maintained_on",
    "last_audited_on",
    "purchase_cost",
    "order_number",
    "warranty_months",
    "condition",
    "ownership",
)
DELETED = text("deleted_at IS NOT NULL")
FLAGS = ("is_requestable", "is_byod", "maintenance_enabled")


def living(*columns: str, name: str | None = None, where: str = "") -> Index:
    """Return an index over the living, or those of them for whom a condition holds."""
    condition = f"{where} AND deleted_at IS NULL" if where else "deleted_at IS NULL"
    sqlite = text(condition.replace("= true", "= 1"))  # as it writes what is asked
    return Index(name, "organization_id", *columns, "id", postgresql_where=text(condition), sqlite_where=sqlite)


class Asset(Entity, SoftDeleted, Customized, Model):
    """One thing the organization owns: AST-002318, a Sony FX3 with the serial number 4512087, at Lisbon."""

    __tablename__ = "assets"

    tag: Mapped[ShortText]
    tag_key: Mapped[KeyColumn]
    name: Mapped[ShortText | None]
    name_key: Mapped[KeyColumn | None]
    description: Mapped[LongText | None]
    serial_number: Mapped[ShortText | None]
    serial_key: Mapped[KeyColumn | None]
    status_id: Mapped[ForeignId]
    category_id: Mapped[ForeignId]
    product_id: Mapped[ForeignId | None]
    condition: Mapped[int | None]
    is_requestable: Mapped[bool] = mapped_column(default=False)
    location_id: Mapped[ForeignId | None]
    home_location_id: Mapped[ForeignId | None]
    parent_id: Mapped[ForeignId | None]
    latitude: Mapped[Decimal | None] = mapped_column(Degrees)
    longitude: Mapped[Decimal | None] = mapped_column(Degrees)
    technician_id: Mapped[ForeignId | None]
    department_id: Mapped[ForeignId | None]
    company_id: Mapped[ForeignId | None]
    ownership: Mapped[str | None] = mapped_column(String(16))
    is_byod: Mapped[bool] = mapped_column(default=False)
    purchased_on: Mapped[date | None]
    purchase_cost: Mapped[MoneyAmount | None]
    currency: Mapped[str | None] = mapped_column(String(3))
    order_number: Mapped[ShortText | None]
    supplier_id: Mapped[ForeignId | None]
    depreciation_id: Mapped[ForeignId | None]
    warranty_months: Mapped[int | None]
    warranty_expires_on: Mapped[date | None]
    end_of_life_on: Mapped[date | None]
    maintenance_enabled: Mapped[bool] = mapped_column(default=False)
    maintenance_interval_days: Mapped[int | None]
    last_maintained_on: Mapped[date | None]
    next_maintenance_on: Mapped[date | None]
    last_audited_on: Mapped[date | None]
    next_audit_on: Mapped[date | None]
    notes: Mapped[LongText | None]
    search_text: Mapped[LongText]

    __table_args__ = tenant_table_arguments(
        *tenant_reference("statuses", "status_id"),
        *tenant_reference("categories", "category_id"),
        *tenant_reference("products", "product_id"),
        *tenant_reference("locations", "location_id", "home_location_id"),
        *tenant_reference("assets", "parent_id"),
        *tenant_reference("persons", "technician_id"),
        *tenant_reference("departments", "department_id"),
        *tenant_reference("companies", "company_id"),
        *tenant_reference("suppliers", "supplier_id"),
        *tenant_reference("depreciations", "depreciation_id"),
        CheckConstraint("purchase_cost >= 0", name="purchase_cost"),
        CheckConstraint("condition BETWEEN 1 AND 5", name="condition"),
        CheckConstraint(f"ownership IN {OWNERSHIPS}", name="ownership"),
        unique_among_living("uq_assets_tag_key", "tag_key"),
        unique_among_living("uq_assets_serial_key", "serial_key"),
        Index("ix_assets_deleted", "organization_id", "tag_key", postgresql_where=DELETED, sqlite_where=DELETED),
        *(living(column) for column in ORDERED),
        *(living(column, where=f"{column} IS NOT NULL") for column in SELDOM),
        *(living(name=f"ix_assets_{flag}", where=f"{flag} = true") for flag in FLAGS),
        Index(None, "organization_id", "deleted_at", "id", postgresql_where=DELETED, sqlite_where=DELETED),
        Index("ix_assets_deleted_id", "organization_id", "id", postgresql_where=DELETED, sqlite_where=DELETED),
    )[1:]  # the key of its status leads to the organization as well: one look-up less for each row
