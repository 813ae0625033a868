"""Imports of everything: named mappings, mended rows, what is carried to custody."""

revision = "20261122_1800"
down_revision = "20261122_1750"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make what is new."""


def downgrade() -> None:
    """Drop it."""
