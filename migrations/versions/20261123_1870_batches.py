"""What batch writes need: the tags of deleted assets are found without reading all assets, checked rows keep a plan."""

import sqlalchemy as sa
from alembic import op

from webapp.schema.tenancy_ddl import Json, column

revision = "20261123_1870"
down_revision = "20261123_1860"
branch_labels = None
depends_on = None

NAME, DELETED = "ix_assets_deleted", sa.text("deleted_at IS NOT NULL")


def upgrade() -> None:
    """Index them, and make room for the plans."""
    op.add_column("imports", column("basis", Json, null=True))
    op.add_column("import_rows", column("plan", Json, null=True))
    columns = ["organization_id", "tag_key"]
    op.create_index(NAME, "assets", columns, postgresql_where=DELETED, sqlite_where=DELETED)


def downgrade() -> None:
    """Drop the index and the columns."""
    op.drop_index(NAME, "assets")
    op.drop_column("import_rows", "plan")
    op.drop_column("imports", "basis")
