"""The whole record: companies, departments, customers, suppliers, depreciations, and more of what was there.

People and places refer to each other: the new tables come first, then the columns, then the keys that close the circle.
"""

import sqlalchemy as sa
from alembic import op

from webapp.schema.tenancy_ddl import (
    Id,
    KeyText,
    column,
    custom_column,
    drop_tenant_table,
    entity_columns,
    extend_table,
    index,
    reference,
    shrink_table,
    tenant_table,
    unique_among_living,
)

revision = "20261122_1730"
down_revision = "20261122_1720"
branch_labels = None
depends_on = None

NEW = ("depreciations", "suppliers", "customers", "departments", "companies")
REFERENCES = {
    "locations": {"manager_id": "persons", "company_id": "companies", "customer_id": "customers"},
    "persons": {"department_id": "departments", "company_id": "companies"},
    "products": {"depreciation_id": "depreciations"},
}


def flag(name: str, *, on: bool = False) -> sa.Column[bool]:
    """Return a yes or no, for the rows that are there too."""
    return sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.true() if on else sa.false())


def texts(*names: str) -> list[sa.Column[str]]:
    """Return lines of text that may be left out."""
    return [column(name, sa.String(255), null=True) for name in names]


def named() -> list[sa.Column[str]]:
    """Return a name with its case-insensitive twin."""
    return [column("name", sa.String(255)), column("name_key", KeyText)]


def address() -> list[sa.Column[str]]:
    """Return the parts of a postal address."""
    lines = texts("address_line_1", "address_line_2", "city", "state", "zip")
    return [*lines, column("country", sa.String(2), null=True)]


def added() -> dict[str, list[sa.Column[object]]]:
    """Return the columns that tables get which were there."""
    return {
        "locations": [
            *texts("fax"),
            column("latitude", sa.BigInteger(), null=True),
            column("longitude", sa.BigInteger(), null=True),
            column("currency", sa.String(3), null=True),
            flag("is_primary"),
            flag("is_active", on=True),
            flag("is_office"),
            *[column(name, Id, null=True) for name in REFERENCES["locations"]],
        ],
        "persons": [
            *[column(name, Id, null=True) for name in REFERENCES["persons"]],
            flag("is_technician"),
            *address(),
        ],
        "categories": [
            column("color", sa.String(7), null=True),
            column("minimum_quantity", sa.Integer(), null=True),
            column("eula", sa.Text(), null=True),
            *[flag(n) for n in ("use_default_eula", "requires_acceptance", "checkin_email", "checkout_email")],
        ],
        "manufacturers": texts("warranty_lookup_url"),
        "products": [
            column("depreciation_id", Id, null=True),
            column("minimum_quantity", sa.Integer(), null=True),
            flag("is_requestable"),
            flag("is_archived"),
        ],
        "statuses": [column("color", sa.String(7), null=True), flag("show_in_nav")],
    }


def upgrade() -> None:
    """Create and extend them."""
    make_people()
    make_catalog()
    for table, columns in added().items():
        extend_table(op, table, *columns, references=REFERENCES.get(table))
        for name in REFERENCES.get(table, ()):
            index(op, table, name)
    unique_among_living(op, "locations", "uq_locations_primary", "is_primary", where="is_primary")


def make_people() -> None:
    """Create companies, departments and customers."""
    tenant_table(
        op,
        "companies",
        *entity_columns(),
        *named(),
        *texts("phone", "fax", "email"),
        column("notes", sa.Text(), null=True),
        custom_column(),
        searchable=True,
    )
    unique_among_living(op, "companies", "uq_companies_living", "name_key")
    tenant_table(
        op,
        "departments",
        *entity_columns(),
        *named(),
        *texts("email", "phone", "fax"),
        column("manager_id", Id, null=True),
        column("location_id", Id, null=True),
        column("company_id", Id, null=True),
        column("company_key", Id),
        column("notes", sa.Text(), null=True),
        custom_column(),
        reference("persons", "manager_id"),
        reference("locations", "location_id"),
        reference("companies", "company_id"),
        sa.CheckConstraint("company_key = coalesce(company_id, 0)", name="company_key"),
        searchable=True,
    )
    unique_among_living(op, "departments", "uq_departments_living", "company_key", "name_key")
    for name in ("manager_id", "location_id", "company_id"):
        index(op, "departments", name)
    tenant_table(
        op,
        "customers",
        *entity_columns(),
        *named(),
        *texts("email", "phone"),
        *address(),
        column("default_sla_hours", sa.Integer(), null=True),
        column("is_tax_exempt", sa.Boolean()),
        *texts("tax_exemption_reason"),
        column("notes", sa.Text(), null=True),
        custom_column(),
        searchable=True,
    )
    index(op, "customers", "name_key", "id")


def make_catalog() -> None:
    """Create suppliers and depreciations."""
    tenant_table(
        op,
        "suppliers",
        *entity_columns(),
        *named(),
        *texts("contact_name", "email", "phone", "fax", "url"),
        *address(),
        column("notes", sa.Text(), null=True),
        custom_column(),
        searchable=True,
    )
    unique_among_living(op, "suppliers", "uq_suppliers_living", "name_key")
    tenant_table(
        op,
        "depreciations",
        *entity_columns(),
        *named(),
        column("method", sa.String(24)),
        column("months", sa.Integer()),
        column("rate", sa.BigInteger(), null=True),
        column("convention", sa.String(16)),
        column("minimum_value", sa.BigInteger(), null=True),
        column("minimum_percent", sa.BigInteger(), null=True),
        column("notes", sa.Text(), null=True),
        custom_column(),
        sa.CheckConstraint(
            "method IN ('straight_line', 'declining', 'double_declining', 'sum_of_years')", name="method"
        ),
        sa.CheckConstraint("convention IN ('full_month', 'half_year')", name="convention"),
        sa.CheckConstraint("minimum_value IS NULL OR minimum_percent IS NULL", name="one_minimum"),
        searchable=True,
    )
    unique_among_living(op, "depreciations", "uq_depreciations_living", "name_key")


def downgrade() -> None:
    """Drop what came, the circle first."""
    op.drop_index("uq_locations_primary", "locations")
    for table, columns in reversed(added().items()):
        for name in REFERENCES.get(table, ()):
            op.drop_index(op.f(f"ix_{table}_organization_id_{name}"), table)
        shrink_table(op, table, *columns, references=REFERENCES.get(table))
    for name in NEW:
        drop_tenant_table(op, name, searchable=True)
