"""Indexes that keep lists of assets flat to a million: over the living, in every order that is offered."""

import sqlalchemy as sa
from alembic import op

from webapp.schema.tenancy_ddl import is_postgresql, make_search_function

revision = "20261123_1860"
down_revision = "20261123_1850"
branch_labels = None
depends_on = None

ORDERED = (
    "created_at",
    "name_key",
    "status_id",
    "category_id",
    "product_id",
    "location_id",
    "purchased_on",
    "warranty_expires_on",
)
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
NEW_ORDERED = ("updated_at", "serial_number")
NEW_SELDOM = (
    "last_maintained_on",
    "last_audited_on",
    "purchase_cost",
    "order_number",
    "warranty_months",
    "condition",
    "ownership",
)
FLAGS = ("is_requestable", "is_byod", "maintenance_enabled")
LIVING = "deleted_at IS NULL"


def make(*columns: str, name: str = "", where: str = "") -> None:
    """Make an index of assets."""
    names = ["organization_id", *columns]
    condition = sa.text(where) if where else None
    name = name or f"ix_assets_{'_'.join(names)}"
    sqlite = sa.text(where.replace("= true", "= 1")) if where else None  # as it writes what is asked
    op.create_index(name, "assets", names, postgresql_where=condition, sqlite_where=sqlite)


def drop(*columns: str) -> None:
    """Drop an index of assets."""
    op.drop_index(f"ix_assets_organization_id_{'_'.join(columns)}", "assets")


def upgrade() -> None:
    """Make the indexes of the living in place of those of all."""
    drop("serial_number")
    for name in (*ORDERED, *SELDOM):
        drop(name, "id")
    for name in (*ORDERED, *NEW_ORDERED):
        make(name, "id", where=LIVING)
    for name in (*SELDOM, *NEW_SELDOM):
        make(name, "id", where=f"{name} IS NOT NULL AND {LIVING}")
    for name in FLAGS:
        make("id", name=f"ix_assets_{name}", where=f"{name} = true AND {LIVING}")
    make("deleted_at", "id", where="deleted_at IS NOT NULL")
    make("id", name="ix_assets_deleted_id", where="deleted_at IS NOT NULL")
    if is_postgresql(op):
        searched = sa.text("SELECT substr(proname, 8) FROM pg_proc WHERE proname LIKE 'search\\_%' ORDER BY 1")
        for name in op.get_bind().scalars(searched).all():
            make_search_function(op, name)


def downgrade() -> None:
    """Make those of all again."""
    drop("deleted_at", "id")
    op.drop_index("ix_assets_deleted_id", "assets")
    for name in FLAGS:
        op.drop_index(f"ix_assets_{name}", "assets")
    for name in (*ORDERED, *NEW_ORDERED, *SELDOM, *NEW_SELDOM):
        drop(name, "id")
    for name in ORDERED:
        make(name, "id")
    for name in SELDOM:
        make(name, "id", where=f"{name} IS NOT NULL")
    make("serial_number")
