"""What batch writes need: the tags of deleted assets are found without reading all assets, checked rows keep a plan."""

import sqlalchemy as sa
from alembic import op

from webapp.schema.tenancy_ddl import Json, column, is_postgresql

revision = "20261123_1870"
down_revision = "20261123_1860"
branch_labels = None
depends_on = None

NAME, DELETED = "ix_assets_deleted", sa.text("deleted_at IS NOT NULL")


def index_values(*, held: bool) -> None:
    """Index the custom values anew: each in the one index of its kind (`held`), or in all three."""
    for kind in ("text", "int", "date"):
        where = sa.text(f"{kind}_value IS NOT NULL") if held else None
        columns = ["organization_id", "field_id", f"{kind}_value", "row_id", "position"]
        op.drop_index(f"ix_custom_values_{kind}", "custom_values")
        op.create_index(
            f"ix_custom_values_{kind}", "custom_values", columns, postgresql_where=where, sqlite_where=where
        )


def upgrade() -> None:
    """Index them, and make room for the plans."""
    op.add_column("imports", column("basis", Json, null=True))
    op.add_column("import_rows", column("plan", Json, null=True))
    columns = ["organization_id", "tag_key"]
    op.create_index(NAME, "assets", columns, postgresql_where=DELETED, sqlite_where=DELETED)
    index_values(held=True)
    if is_postgresql(op):  # what became of a row is then written beside it, and in none of its indexes
        op.execute("ALTER TABLE import_rows SET (fillfactor = 50)")


def downgrade() -> None:
    """Drop the index and the columns."""
    if is_postgresql(op):
        op.execute("ALTER TABLE import_rows RESET (fillfactor)")
    index_values(held=False)
    op.drop_index(NAME, "assets")
    op.drop_column("import_rows", "plan")
    op.drop_column("imports", "basis")
