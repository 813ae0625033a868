"""Persons."""

import sqlalchemy as sa
from alembic import op

from webapp.schema.tenancy_ddl import (
    Id,
    KeyText,
    column,
    drop_tenant_table,
    entity_columns,
    index,
    reference,
    tenant_table,
    unique_among_living,
)

revision = "20261122_1530"
down_revision = "20261122_1520"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create them."""
    tenant_table(
        op,
        "persons",
        *entity_columns(),
        column("first_name", sa.String(255)),
        column("last_name", sa.String(255), null=True),
        column("name", sa.String(255)),
        column("name_key", KeyText),
        column("email", sa.String(255), null=True),
        column("email_key", KeyText, null=True),
        column("username", sa.String(255), null=True),
        column("username_key", KeyText, null=True),
        column("employee_number", sa.String(255), null=True),
        column("employee_number_key", KeyText, null=True),
        column("title", sa.String(255), null=True),
        column("phone", sa.String(255), null=True),
        column("location_id", Id, null=True),
        column("manager_id", Id, null=True),
        column("is_archived", sa.Boolean()),
        column("notes", sa.Text(), null=True),
        reference("locations", "location_id"),
        reference("persons", "manager_id"),
        searchable=True,
    )
    for column_name in ("email_key", "username_key", "employee_number_key"):
        unique_among_living(op, "persons", f"uq_persons_{column_name}", column_name)
    index(op, "persons", "name_key", "id")
    index(op, "persons", "location_id")
    index(op, "persons", "manager_id")


def downgrade() -> None:
    """Drop them."""
    drop_tenant_table(op, "persons", searchable=True)
