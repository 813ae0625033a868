"""Postal addresses, as columns of whatever has one."""

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.database import ShortText


class Addressed:
    """A thing with a postal address: street in two lines, city, state or region, postal code, country (ISO 3166)."""

    address_line_1: Mapped[ShortText | None]
    address_line_2: Mapped[ShortText | None]
    city: Mapped[ShortText | None]
    state: Mapped[ShortText | None]
    zip: Mapped[ShortText | None]
    country: Mapped[str | None] = mapped_column(String(2))
