"""Declarations of persons, companies, departments and customers."""

from dataclasses import replace

from flask_babel import lazy_gettext as _l

from webapp.core.fields import CustomizedSchema, Flag, Name, Reference, Text, Whole
from webapp.core.resource import Menu, Resource, Unique
from webapp.people.models import Company, Customer, Department, Person
from webapp.people.panels import PANELS as PANELS
from webapp.people.rules import make_person, merge_persons, persons_who_are_here, plan_department, plan_person
from webapp.places.merge import merge_action
from webapp.places.resources import CONTACT, EMAIL, ORGANISATION, WHAT, address_fields, notes_field

WHO, WORK, TERMS = _l("Who it is"), _l("Work"), _l("Terms")


class PersonSchema(CustomizedSchema):
    """Somebody who can hold things."""

    first_name = Text(required=True, label=_l("First name"), group=WHO)
    last_name = Text(label=_l("Last name"), group=WHO)
    name = Text(key="name_key", label=_l("Shown as"), group=WHO, help=_l("Empty takes first and last name"))
    email = Text(key="email_key", checks=(EMAIL,), label=_l("E-mail"), group=CONTACT)
    phone = Text(label=_l("Phone"), group=CONTACT)
    title = Text(label=_l("Job title"), group=WORK)
    department_id = Reference("departments", label=_l("Department"), group=WORK)
    department = Name("department_id", label=_l("Department"))
    manager_id = Reference("persons", label=_l("Manager"), group=WORK)
    manager = Name("manager_id", label=_l("Manager"))
    location_id = Reference("locations", label=_l("Place"), group=WORK)
    location = Name("location_id", label=_l("Place"))
    company_id = Reference("companies", label=_l("Company"), group=WORK)
    company = Name("company_id", label=_l("Company"))
    employee_number = Text(key="employee_number_key", label=_l("Employee number"), group=WORK)
    username = Text(key="username_key", label=_l("User name"), group=WORK)
    is_technician = Flag(load_default=False, label=_l("Technician"), group=WORK, help=_l("Is offered for repairs"))
    is_archived = Flag(
        load_default=False, label=_l("Archived"), group=WORK, help=_l("Has left; cannot be handed things")
    )
    address_line_1, address_line_2, city, state, zip, country = address_fields()
    notes = notes_field()


class CompanySchema(CustomizedSchema):
    """A legal person that things and people belong to."""

    name = Text(required=True, key="name_key", label=_l("Name"), group=WHAT)
    email = Text(checks=(EMAIL,), label=_l("E-mail"), group=CONTACT)
    phone = Text(label=_l("Phone"), group=CONTACT)
    fax = Text(label=_l("Fax"), group=CONTACT)
    notes = notes_field()


class DepartmentSchema(CustomizedSchema):
    """A part of the organization."""

    name = Text(required=True, key="name_key", label=_l("Name"), group=WHAT)
    company_id = Reference("companies", label=_l("Company"), group=WHAT)
    company = Name("company_id", label=_l("Company"))
    manager_id = Reference("persons", label=_l("Head"), group=WHAT)
    manager = Name("manager_id", label=_l("Head"))
    location_id = Reference("locations", label=_l("Place"), group=WHAT)
    location = Name("location_id", label=_l("Place"))
    email = Text(checks=(EMAIL,), label=_l("E-mail"), group=CONTACT)
    phone = Text(label=_l("Phone"), group=CONTACT)
    fax = Text(label=_l("Fax"), group=CONTACT)
    notes = notes_field()


class CustomerSchema(CustomizedSchema):
    """Somebody that things are lent to or looked after for."""

    name = Text(required=True, key="name_key", label=_l("Name"), group=WHAT)
    email = Text(checks=(EMAIL,), label=_l("E-mail"), group=CONTACT)
    phone = Text(label=_l("Phone"), group=CONTACT)
    address_line_1, address_line_2, city, state, zip, country = address_fields()
    default_sla_hours = Whole(
        min=1,
        max=8760,
        label=_l("Answer within"),
        suffix=_l("hours"),
        group=TERMS,
        help=_l("For new work at their sites"),
    )
    is_tax_exempt = Flag(load_default=False, label=_l("Free of tax"), group=TERMS)
    tax_exemption_reason = Text(label=_l("Why free of tax"), group=TERMS)
    notes = notes_field(TERMS)


PERSONS = Resource(
    name="persons",
    model=Person,
    schema=PersonSchema,
    title=_l("People"),
    singular=_l("Person"),
    icon="user",
    menu=Menu(label=_l("People"), group=ORGANISATION, icon="users", order=300),
    columns=("name", "title", "department", "email", "location", "manager", "is_archived"),
    filters=(
        "location_id",
        "department_id",
        "company_id",
        "manager_id",
        "is_technician",
        "is_archived",
        "email",
        "employee_number",
    ),
    search=("name", "email", "username", "employee_number"),
    located_by="location_id",
    plan=plan_person,
    offered=persons_who_are_here,
    unique=(
        Unique(column="email_key", field="email"),
        Unique(column="username_key", field="username"),
        Unique(column="employee_number_key", field="employee_number"),
    ),
    rules={"make_named": make_person},
    actions=(replace(merge_action("persons"), rule=merge_persons),),
    sync_key="email",
    remembered=True,
)
COMPANIES = Resource(
    name="companies",
    model=Company,
    schema=CompanySchema,
    title=_l("Companies"),
    singular=_l("Company"),
    icon="building",
    menu=Menu(label=_l("Companies"), group=ORGANISATION, icon="building", order=330),
    columns=("name", "email", "phone"),
    search=("name", "email"),
    cached=True,
    unique=(Unique(column="name_key", field="name"),),
    actions=(merge_action("companies"),),
)
DEPARTMENTS = Resource(
    name="departments",
    model=Department,
    schema=DepartmentSchema,
    title=_l("Departments"),
    singular=_l("Department"),
    icon="sitemap",
    menu=Menu(label=_l("Departments"), group=ORGANISATION, icon="sitemap", order=320),
    columns=("name", "company", "manager", "location", "email", "phone"),
    filters=("company_id", "manager_id", "location_id"),
    search=("name", "email"),
    cached=True,
    label_columns=("company_id",),
    plan=plan_department,
    unique=(Unique(column="name_key", field="name", within=("company_key",)),),
    actions=(merge_action("departments"),),
    sync_key="name",
)
CUSTOMERS = Resource(
    name="customers",
    model=Customer,
    schema=CustomerSchema,
    title=_l("Customers"),
    singular=_l("Customer"),
    icon="building-store",
    menu=Menu(label=_l("Customers"), group=ORGANISATION, icon="building-store", order=340),
    columns=("name", "email", "phone", "city", "country", "default_sla_hours"),
    filters=("city", "country", "is_tax_exempt"),
    search=("name", "email", "city"),
    actions=(merge_action("customers"),),
    remembered=True,
)
RESOURCES = (PERSONS, COMPANIES, DEPARTMENTS, CUSTOMERS)
