"""Webhooks and what they have delivered."""

revision = "20261122_1820"
down_revision = "20261122_1810"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make what is new."""


def downgrade() -> None:
    """Drop it."""
