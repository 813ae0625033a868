"""The tree of places."""

from sqlalchemy import CheckConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.addresses import Addressed
from webapp.core.custom import Customized
from webapp.core.database import DegreesAmount, ForeignId, Id, KeyColumn, LongText, Model, ShortText
from webapp.core.tenancy import (
    Entity,
    SoftDeleted,
    TenantScoped,
    tenant_reference,
    tenant_table_arguments,
    unique_among_living,
)

KINDS = ("site", "location", "aisle", "shelf", "bin", "customer_site")


class Location(Entity, SoftDeleted, Customized, Addressed, Model):
    """A place in the tree: the site "Lisbon", its location "Media store", there "Shelf 3"."""

    __tablename__ = "locations"

    kind: Mapped[str] = mapped_column(String(16))
    parent_id: Mapped[ForeignId | None]
    parent_key: Mapped[ForeignId] = mapped_column(default=0)
    name: Mapped[ShortText]
    name_key: Mapped[KeyColumn]
    code: Mapped[ShortText | None]
    email: Mapped[ShortText | None]
    phone: Mapped[ShortText | None]
    fax: Mapped[ShortText | None]
    latitude: Mapped[DegreesAmount | None]
    longitude: Mapped[DegreesAmount | None]
    currency: Mapped[str | None] = mapped_column(String(3))
    is_primary: Mapped[bool] = mapped_column(default=False)
    is_active: Mapped[bool] = mapped_column(default=True)
    is_office: Mapped[bool] = mapped_column(default=False)
    manager_id: Mapped[ForeignId | None]
    company_id: Mapped[ForeignId | None]
    customer_id: Mapped[ForeignId | None]
    notes: Mapped[LongText | None]
    search_text: Mapped[LongText]

    __table_args__ = tenant_table_arguments(
        *tenant_reference("locations", "parent_id"),
        *tenant_reference("persons", "manager_id", uphill=True),
        *tenant_reference("companies", "company_id", uphill=True),
        *tenant_reference("customers", "customer_id", uphill=True),
        CheckConstraint(f"kind IN {KINDS}", name="kind"),
        CheckConstraint("parent_key = coalesce(parent_id, 0)", name="parent_key"),
        unique_among_living("uq_locations_living", "parent_key", "kind", "name_key"),
        unique_among_living("uq_locations_primary", "is_primary", where="is_primary"),
        Index(None, "organization_id", "parent_id"),
        Index(None, "organization_id", "manager_id"),
        Index(None, "organization_id", "company_id"),
        Index(None, "organization_id", "customer_id"),
    )


class LocationAncestor(Model):
    """A place and one that holds it, itself included, `depth` levels up: the closure of the tree, for roll-ups."""

    __tablename__ = "location_ancestors"

    organization_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    ancestor_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    location_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    depth: Mapped[int]

    __table_args__ = (
        *TenantScoped.tenant_arguments()[:1],
        *tenant_reference("locations", "ancestor_id", "location_id"),
        Index(None, "organization_id", "location_id"),
    )
