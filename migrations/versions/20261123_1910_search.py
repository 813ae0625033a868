"""Searches say which hits begin with what was looked for, so that the others need no ranking."""

import sqlalchemy as sa
from alembic import op

from webapp.schema.tenancy_ddl import is_postgresql, make_search_function

revision = "20261123_1910"
down_revision = "20261123_1900"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the functions anew."""
    if is_postgresql(op):
        searched = sa.text("SELECT substr(proname, 8) FROM pg_proc WHERE proname LIKE 'search\\_%' ORDER BY 1")
        for name in op.get_bind().scalars(searched).all():
            make_search_function(op, name)


def downgrade() -> None:
    """Leave them: who asks for the ids alone gets them."""
