"""What the API counts and keeps: the use of keys, sign-ins of scripts."""

revision = "20261122_1810"
down_revision = "20261122_1800"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make what is new."""


def downgrade() -> None:
    """Drop it."""
