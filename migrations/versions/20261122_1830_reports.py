"""Exports: made once, or again and again."""

revision = "20261122_1830"
down_revision = "20261122_1820"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make what is new."""


def downgrade() -> None:
    """Drop it."""
