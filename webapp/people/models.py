"""Persons."""

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.database import ForeignId, KeyColumn, LongText, Model, ShortText
from webapp.core.tenancy import Entity, SoftDeleted, tenant_reference, tenant_table_arguments, unique_among_living


class Person(Entity, SoftDeleted, Model):
    """Somebody who can hold things: "Amara Okafor, camera operator, at Lisbon"."""

    __tablename__ = "persons"

    first_name: Mapped[ShortText]
    last_name: Mapped[ShortText | None]
    name: Mapped[ShortText]
    name_key: Mapped[KeyColumn]
    email: Mapped[ShortText | None]
    email_key: Mapped[KeyColumn | None]
    username: Mapped[ShortText | None]
    username_key: Mapped[KeyColumn | None]
    employee_number: Mapped[ShortText | None]
    employee_number_key: Mapped[KeyColumn | None]
    title: Mapped[ShortText | None]
    phone: Mapped[ShortText | None]
    location_id: Mapped[ForeignId | None]
    manager_id: Mapped[ForeignId | None]
    is_archived: Mapped[bool] = mapped_column(default=False)
    notes: Mapped[LongText | None]
    search_text: Mapped[LongText]

    __table_args__ = tenant_table_arguments(
        *tenant_reference("locations", "location_id"),
        *tenant_reference("persons", "manager_id"),
        unique_among_living("uq_persons_email_key", "email_key"),
        unique_among_living("uq_persons_username_key", "username_key"),
        unique_among_living("uq_persons_employee_number_key", "employee_number_key"),
        Index(None, "organization_id", "name_key", "id"),
        Index(None, "organization_id", "location_id"),
        Index(None, "organization_id", "manager_id"),
    )
