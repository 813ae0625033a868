"""Assets."""

from datetime import date

from sqlalchemy import CheckConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.database import ForeignId, KeyColumn, LongText, Model, MoneyAmount, ShortText
from webapp.core.tenancy import Entity, SoftDeleted, tenant_reference, tenant_table_arguments, unique_among_living


class Asset(Entity, SoftDeleted, Model):
    """One thing the organization owns: AST-002318, a Sony FX3 with the serial number 4512087, at Lisbon."""

    __tablename__ = "assets"

    tag: Mapped[ShortText]
    tag_key: Mapped[KeyColumn]
    name: Mapped[ShortText | None]
    name_key: Mapped[KeyColumn | None]
    serial_number: Mapped[ShortText | None]
    serial_key: Mapped[KeyColumn | None]
    status_id: Mapped[ForeignId]
    category_id: Mapped[ForeignId]
    product_id: Mapped[ForeignId | None]
    location_id: Mapped[ForeignId | None]
    purchased_on: Mapped[date | None]
    purchase_cost: Mapped[MoneyAmount | None]
    currency: Mapped[str | None] = mapped_column(String(3))
    order_number: Mapped[ShortText | None]
    warranty_months: Mapped[int | None]
    warranty_expires_on: Mapped[date | None]
    end_of_life_on: Mapped[date | None]
    notes: Mapped[LongText | None]
    search_text: Mapped[LongText]

    __table_args__ = tenant_table_arguments(
        *tenant_reference("statuses", "status_id"),
        *tenant_reference("categories", "category_id"),
        *tenant_reference("products", "product_id"),
        *tenant_reference("locations", "location_id"),
        CheckConstraint("purchase_cost >= 0", name="purchase_cost"),
        unique_among_living("uq_assets_tag_key", "tag_key"),
        unique_among_living("uq_assets_serial_key", "serial_key"),
        Index(None, "organization_id", "created_at", "id"),
        Index(None, "organization_id", "name_key", "id"),
        Index(None, "organization_id", "serial_number"),
        Index(None, "organization_id", "status_id", "id"),
        Index(None, "organization_id", "category_id", "id"),
        Index(None, "organization_id", "product_id", "id"),
        Index(None, "organization_id", "location_id", "id"),
        Index(None, "organization_id", "purchased_on", "id"),
        Index(None, "organization_id", "warranty_expires_on", "id"),
    )
