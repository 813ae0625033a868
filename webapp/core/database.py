"""The database: column types, naming of constraints, the engine and its sessions."""

import time
import unicodedata
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from sqlite3 import OperationalError
from typing import TYPE_CHECKING, Annotated, Any

import orjson
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session as FlaskSession
from sqlalchemy import JSON, BigInteger, Date, DateTime, Engine, Integer, MetaData, String, Table, Text, event
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.orm import DeclarativeBase, mapped_column
from sqlalchemy.types import TypeDecorator

from webapp.core.driver import roll_back

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
BUSY_MILLISECONDS, RETRY_MILLISECONDS = 10_000, 3
aside: Callable[[], AbstractContextManager[None]] = nullcontext
"""What surrounds a wait for SQLite's lock: the web process lets other requests run meanwhile."""


def utcnow() -> datetime:
    """Return now, aware, in UTC, cut to the millisecond that the database keeps."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def key_of(text: str) -> str:
    """Return the form under which two spellings count as one: NFC, casefolded, single spaces."""
    if text.isascii():
        return " ".join(text.lower().split())
    return " ".join(unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold()).split())


class ScaledDecimal(TypeDecorator[Decimal]):
    """A decimal number as a whole number of its last places: exact on every database."""

    impl = BigInteger
    cache_ok = True
    places = 0

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        """Return how many of the last place a number holds, rounded half up."""
        return None if value is None else int(Decimal(value).scaleb(self.places).quantize(Decimal(1), ROUND_HALF_UP))

    def process_result_value(self, value: int | None, dialect: Dialect) -> Decimal | None:
        """Return the number of a count of its last place."""
        return None if value is None else Decimal(value).scaleb(-self.places)


class Money(ScaledDecimal):
    """An amount as a whole number of ten-thousandths."""

    cache_ok = True
    places = 4


class Degrees(ScaledDecimal):
    """A latitude or longitude as a whole number of millionths of a degree, about 11 cm."""

    cache_ok = True
    places = 6


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC with milliseconds; naive values are refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the moment in UTC, without zone where the database keeps none."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs a zone")
        value = value.astimezone(UTC)
        return value if dialect.name == "postgresql" else value.replace(tzinfo=None)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        """Return nothing to do on PostgreSQL, whose connections speak UTC."""
        return None if dialect.name == "postgresql" else super().result_processor(dialect, coltype)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the moment, aware, in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Id = BigInteger().with_variant(Integer, "sqlite")
KeyText = String(255).with_variant(String(255, collation="C"), "postgresql")
Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")

PrimaryKey = Annotated[int, mapped_column(Id, primary_key=True)]
ForeignId = Annotated[int, mapped_column(Id)]
ShortText = Annotated[str, mapped_column(String(255))]
KeyColumn = Annotated[str, mapped_column(KeyText)]
LongText = Annotated[str, mapped_column(Text)]
Moment = Annotated[datetime, mapped_column(UtcDateTime)]
Day = Annotated[date, mapped_column(Date)]
MoneyAmount = Annotated[Decimal, mapped_column(Money)]
DegreesAmount = Annotated[Decimal, mapped_column(Degrees)]
JsonDict = Annotated[dict[str, Any], mapped_column(Json)]
JsonList = Annotated[list[Any], mapped_column(Json)]


class Base(DeclarativeBase):
    """The root of every table."""

    metadata = MetaData(naming_convention=NAMING)


class Session(FlaskSession):
    """A session of one organization; one that writes takes SQLite's lock at its first statement."""

    def close(self) -> None:
        """End the session, and let go of the connection that it entered with (`tenancy.enter`)."""
        super().close()
        connection: Connection | None = self.info.pop("connection", None)
        if connection is not None:
            self.info.pop("entered", None)
            connection.close()

    def get_bind(self, *args: Any, **kwargs: Any) -> Any:
        """Return the connection it entered with, or the engine, in its writing form when the session will write."""
        if (connection := self.info.get("connection")) is not None:
            return connection
        engine = super().get_bind(*args, **kwargs)
        if isinstance(engine, Engine) and engine.dialect.name == "sqlite" and self.info.get("write"):
            return _immediate(engine)
        return engine


@lru_cache(maxsize=16)
def _immediate(engine: Engine) -> Engine:
    """Return the one form of an engine whose transactions take the lock: a session keeps a connection a form."""
    return engine.execution_options(begin_immediate=True)


db = SQLAlchemy(
    model_class=Base,
    disable_autonaming=True,
    session_options={"class_": Session, "expire_on_commit": False, "autoflush": False},
)
if TYPE_CHECKING:

    class Model(Base):
        """Stand in for `db.Model`, whose type mypy cannot see."""

        __abstract__ = True
else:
    Model = db.Model


def table_of(model: type[Any]) -> Table:
    """Return the table behind a model, typed."""
    table: Table = model.__table__
    return table


def column_names(model: type[Any]) -> list[str]:
    """Return the names of the columns of a model's table, in order."""
    return [column.name for column in table_of(model).columns]


def install_sqlite_pragmas(engine: Engine) -> None:
    """Give an SQLite engine WAL, foreign keys, durable commits and explicit transactions."""

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "foreign_keys=ON", "synchronous=FULL", f"busy_timeout={BUSY_MILLISECONDS}"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if not connection.get_execution_options().get("begin_immediate"):
            connection.exec_driver_sql("BEGIN")
        elif not _takes_lock(connection):
            with aside():
                _wait_for_lock(connection)


def _takes_lock(connection: Connection) -> bool:
    """Begin to write if nobody else does; tell whether it began."""
    driver: Any = connection.connection.driver_connection
    driver.execute("PRAGMA busy_timeout=0")
    with suppress(OperationalError):
        driver.execute("BEGIN IMMEDIATE")
    driver.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")
    return bool(driver.in_transaction)


def _wait_for_lock(connection: Connection) -> None:
    """Begin to write when the others have ended; raises when they do not.

    SQLite's own waiting sleeps a tenth of a second at a time, and so misses the pauses of who writes a lot.
    """
    for _try in range(BUSY_MILLISECONDS // RETRY_MILLISECONDS):
        time.sleep(RETRY_MILLISECONDS / 1000)
        if _takes_lock(connection):
            return
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def install_postgresql_settings(engine: Engine) -> None:
    """Tell PostgreSQL what our statements are like: pages of a few rows found by index, on disks that seek for free."""

    from psycopg.types.json import set_json_loads

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        set_json_loads(orjson.loads, connection)
        with connection.cursor() as cursor:
            cursor.execute("SET jit = off; SET random_page_cost = 1.1; SET timezone = 'UTC'")
        connection.commit()

    engine.dialect.do_rollback = roll_back  # type: ignore[assignment,method-assign] # SQLAlchemy asks the dialect each time
