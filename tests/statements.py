"""Counting what a request costs: the statements that reach the database, and the objects that the ORM makes of rows."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from sqlalchemy import event

from webapp.core.database import Base, db


@dataclass
class Cost:
    """The statements sent, without those that begin a transaction, and the objects loaded."""

    statements: list[str] = field(default_factory=list)
    objects: list[Any] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{len(self.statements)} statements:\n" + "\n".join(self.statements)


@contextmanager
def counted(app: Flask) -> Iterator[Cost]:
    """Count what happens inside, on every connection of the application."""
    cost = Cost()
    with app.app_context():
        engine = db.engine

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith("BEGIN"):
            cost.statements.append(statement)

    def loaded(thing: Any, *_rest: Any) -> None:
        cost.objects.append(thing)

    event.listen(engine, "before_cursor_execute", note)
    event.listen(Base, "load", loaded, propagate=True)
    try:
        yield cost
    finally:
        event.remove(engine, "before_cursor_execute", note)
        event.remove(Base, "load", loaded)
