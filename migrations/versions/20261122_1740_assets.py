"""The whole record of an asset."""

import sqlalchemy as sa
from alembic import op

from webapp.schema.tenancy_ddl import Id, column, extend_table, shrink_table

revision = "20261122_1740"
down_revision = "20261122_1730"
branch_labels = None
depends_on = None

REFERENCES = {
    "home_location_id": "locations",
    "parent_id": "assets",
    "technician_id": "persons",
    "department_id": "departments",
    "company_id": "companies",
    "supplier_id": "suppliers",
    "depreciation_id": "depreciations",
}
CHECKS = {
    "condition": "condition BETWEEN 1 AND 5",
    "ownership": "ownership IN ('company-owned', 'leased', 'rented', 'customer-owned')",
}
DATES = ("last_maintained_on", "next_maintenance_on", "last_audited_on", "next_audit_on")
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
)


def added() -> list[sa.Column]:
    """Return the new columns, made anew for each use."""
    return [
        *(column(name, Id, null=True) for name in REFERENCES),
        column("description", sa.Text(), null=True),
        column("condition", sa.Integer(), null=True),
        column("latitude", sa.BigInteger(), null=True),
        column("longitude", sa.BigInteger(), null=True),
        column("ownership", sa.String(16), null=True),
        *(flag(name) for name in ("is_requestable", "is_byod", "maintenance_enabled")),
        column("maintenance_interval_days", sa.Integer(), null=True),
        *(column(name, sa.Date(), null=True) for name in DATES),
    ]


def flag(name: str) -> sa.Column:
    """Return a yes or no, which is no on the rows that are there."""
    return sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false())


def upgrade() -> None:
    """Add the columns, and indexes over those rows that have a value."""
    extend_table(op, "assets", *added(), references=REFERENCES, checks=CHECKS)
    for name in SELDOM:
        condition = sa.text(f"{name} IS NOT NULL")
        names = ["organization_id", name, "id"]
        op.create_index(
            f"ix_assets_{'_'.join(names)}", "assets", names, postgresql_where=condition, sqlite_where=condition
        )


def downgrade() -> None:
    """Take them away, with what they hold."""
    for name in SELDOM:
        op.drop_index(f"ix_assets_organization_id_{name}_id", "assets")
    shrink_table(op, "assets", *added(), references=REFERENCES, checks=CHECKS)
