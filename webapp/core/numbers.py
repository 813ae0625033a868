"""Numbers an organization hands out: one counter a series, reserved in the inserting transaction, never re-used."""

from collections.abc import Callable

from sqlalchemy import ForeignKeyConstraint, String, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from webapp.core.database import Id, Model
from webapp.core.tenancy import CHECKED, organization_of


class NumberSeries(Model):
    """The last number of a series that an organization has handed out, such as 2,346 asset tags."""

    __tablename__ = "number_series"

    organization_id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=False)
    series: Mapped[str] = mapped_column(String(64), primary_key=True)
    last: Mapped[int] = mapped_column(Id)

    __table_args__ = (ForeignKeyConstraint(["organization_id"], ["organizations.id"]),)


RESERVE = text(
    "INSERT INTO number_series (organization_id, series, last) VALUES (:organization_id, :series, :count) "
    "ON CONFLICT (organization_id, series) DO UPDATE SET last = number_series.last + excluded.last RETURNING last"
)


def reserve(session: Session, series: str, count: int) -> range:
    """Return a block of `count` numbers that nobody else gets."""
    values = {"organization_id": organization_of(session), "series": series, "count": count}
    last = session.execute(RESERVE, values, execution_options=CHECKED).scalar_one()
    return range(last - count + 1, last + 1)


def next_number(session: Session, series: str) -> int:
    """Return the number that would be handed out next; nothing is reserved."""
    query = select(NumberSeries.last).where(
        NumberSeries.organization_id == organization_of(session), NumberSeries.series == series
    )
    return int(session.scalar(query) or 0) + 1


def free_numbers(
    session: Session, series: str, pattern: str, count: int, taken: Callable[[list[str]], set[str]]
) -> list[str]:
    """Return `count` formatted numbers, jumping those that somebody typed by hand: one query a block."""
    free: list[str] = []
    while len(free) < count:
        block = [pattern % number for number in reserve(session, series, count - len(free))]
        used = taken(block)
        free += [number for number in block if number not in used]
    return free
