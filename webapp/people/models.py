"""Persons, and what they belong to: companies, departments; customers."""

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.addresses import Addressed
from webapp.core.custom import Customized
from webapp.core.database import ForeignId, KeyColumn, LongText, Model, ShortText
from webapp.core.tenancy import Entity, SoftDeleted, tenant_reference, tenant_table_arguments, unique_among_living


class Person(Entity, SoftDeleted, Customized, Addressed, Model):
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
    department_id: Mapped[ForeignId | None]
    company_id: Mapped[ForeignId | None]
    manager_id: Mapped[ForeignId | None]
    is_technician: Mapped[bool] = mapped_column(default=False)
    is_archived: Mapped[bool] = mapped_column(default=False)
    notes: Mapped[LongText | None]
    search_text: Mapped[LongText]

    __table_args__ = tenant_table_arguments(
        *tenant_reference("locations", "location_id"),
        *tenant_reference("persons", "manager_id"),
        *tenant_reference("departments", "department_id"),
        *tenant_reference("companies", "company_id"),
        unique_among_living("uq_persons_email_key", "email_key"),
        unique_among_living("uq_persons_username_key", "username_key"),
        unique_among_living("uq_persons_employee_number_key", "employee_number_key"),
        Index(None, "organization_id", "name_key", "id"),
        Index(None, "organization_id", "location_id"),
        Index(None, "organization_id", "manager_id"),
        Index(None, "organization_id", "department_id"),
        Index(None, "organization_id", "company_id"),
    )


class Company(Entity, SoftDeleted, Customized, Model):
    """A legal person that things and people belong to, no tenant: "Kestrel Rentals GmbH"."""

    __tablename__ = "companies"

    name: Mapped[ShortText]
    name_key: Mapped[KeyColumn]
    phone: Mapped[ShortText | None]
    fax: Mapped[ShortText | None]
    email: Mapped[ShortText | None]
    notes: Mapped[LongText | None]
    search_text: Mapped[LongText]

    __table_args__ = tenant_table_arguments(unique_among_living("uq_companies_living", "name_key"))


class Department(Entity, SoftDeleted, Customized, Model):
    """A part of the organization, or of one of its companies: "Camera department"."""

    __tablename__ = "departments"

    name: Mapped[ShortText]
    name_key: Mapped[KeyColumn]
    email: Mapped[ShortText | None]
    phone: Mapped[ShortText | None]
    fax: Mapped[ShortText | None]
    manager_id: Mapped[ForeignId | None]
    location_id: Mapped[ForeignId | None]
    company_id: Mapped[ForeignId | None]
    company_key: Mapped[ForeignId] = mapped_column(default=0)
    notes: Mapped[LongText | None]
    search_text: Mapped[LongText]

    __table_args__ = tenant_table_arguments(
        *tenant_reference("persons", "manager_id", uphill=True),
        *tenant_reference("locations", "location_id"),
        *tenant_reference("companies", "company_id"),
        CheckConstraint("company_key = coalesce(company_id, 0)", name="company_key"),
        unique_among_living("uq_departments_living", "company_key", "name_key"),
        Index(None, "organization_id", "manager_id"),
        Index(None, "organization_id", "location_id"),
        Index(None, "organization_id", "company_id"),
    )


class Customer(Entity, SoftDeleted, Customized, Addressed, Model):
    """Somebody that things are lent to or looked after for: "Teatro Aveirense"; two may have one name."""

    __tablename__ = "customers"

    name: Mapped[ShortText]
    name_key: Mapped[KeyColumn]
    email: Mapped[ShortText | None]
    phone: Mapped[ShortText | None]
    default_sla_hours: Mapped[int | None]
    is_tax_exempt: Mapped[bool] = mapped_column(default=False)
    tax_exemption_reason: Mapped[ShortText | None]
    notes: Mapped[LongText | None]
    search_text: Mapped[LongText]

    __table_args__ = tenant_table_arguments(Index(None, "organization_id", "name_key", "id"))
