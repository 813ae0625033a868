"""Statements made once a shape: built and compiled when they are first asked, and only filled in from then on.

A shape is all that a statement's text comes from: the resource, its fields, the names and operators of the filters, the
order, how far the actor sees. Values are not part of it. While a statement is made, places stand where the values will
be; what looks at its value to decide on the text finds a place, and the statement is then built anew each time.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select
from sqlalchemy.orm import Session

from webapp.core.driver import run
from webapp.core.tenancy import CHECKED, ORGANIZATION, organization_of

Row = dict[str, Any]
Columns = dict[str, Sequence[Any]]
Build = Callable[[Sequence[Any]], Select[Any] | None]
Process = Callable[[Any], Any] | None
KEPT = 500
SOMEBODY = 2**62  # stands for the organization while a statement is made


class Place:
    """Where a value of a request stands in a statement; it has none itself, and nothing can be asked of it."""

    __slots__ = ("position",)
    __hash__ = object.__hash__

    def __init__(self, position: int) -> None:
        self.position = position

    def __bool__(self) -> bool:
        raise TypeError("a place has no value yet")

    def __eq__(self, other: object) -> bool:
        raise TypeError("a place has no value yet")


@dataclass(frozen=True, slots=True)
class Made:
    """A compiled statement: its text, what goes in by name, in which order where places count, and what comes out."""

    sql: str
    constants: Mapping[str, Any]
    places: tuple[tuple[str, int, Process], ...]
    order: tuple[str, ...] | None
    columns: tuple[str, ...]
    processes: tuple[tuple[str, Callable[[Any], Any]], ...]

    def found(self, session: Session, values: Sequence[Any], *, anew: bool) -> Columns:
        """Run it with values and return what it finds, a column at a time."""
        if self is NOTHING:
            return {}
        given = dict(self.constants)
        for name, position, process in self.places:
            value = values[position]
            given[name] = value if process is None else process(value)
        parameters = given if self.order is None else [given[name] for name in self.order]
        ways = {"prepare": False} if anew and self.order is None else {}
        columns = _columns(self.columns, run(session.connection(), self.sql, parameters, **ways))
        for name, process_result in self.processes:
            columns[name] = [process_result(value) for value in columns[name]]
        return columns


NOTHING = Made("", {}, (), None, (), ())
_made: dict[Hashable, Made | None] = {}


def fetch(session: Session, shape: Hashable, values: Sequence[Any], build: Build, *, anew: bool = False) -> list[Row]:
    """Return the rows of what `fetch_columns` finds."""
    return rows_of(fetch_columns(session, shape, values, build, anew=anew))


def rows_of(columns: Columns) -> list[Row]:
    """Return columns as rows."""
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _columns(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> Columns:
    return dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(names, ())


def fetch_columns(
    session: Session, shape: Hashable, values: Sequence[Any], build: Build, *, anew: bool = False
) -> Columns:
    """Return what a statement that `build` makes of values finds, by column; it is built once for a shape.

    Nothing and truth values become part of the text, and so of the shape. A `shape` of None is never kept. A `build`
    that returns None asks nothing, and there are no columns. Planned `anew`, PostgreSQL looks at the values each time:
    what it would keep for all of them is far slower for some (a choice of a fifth of a million rows: 342 ms for 9).
    """
    organization_id = organization_of(session)
    if shape is not None:
        pattern = tuple([value if value is None or value.__class__ is bool else ... for value in values])
        key = (session.get_bind().dialect.name, shape, pattern)
        if key not in _made:
            if len(_made) >= KEPT:
                _made.clear()
            _made[key] = _make(session, values, build)
        if (made := _made[key]) is not None:
            return made.found(session, (*values, organization_id), anew=anew)
    statement = build(values)
    if statement is None:
        return {}
    told = session.execute(statement, execution_options=CHECKED)
    return _columns(list(told.keys()), told.all())


def _make(session: Session, values: Sequence[Any], build: Build) -> Made | None:
    """Compile a statement with places for its values and the organization; None when its text depends on them."""
    dialect, own = session.get_bind().dialect, organization_of(session)
    marked = [v if v is None or isinstance(v, bool) else Place(i) for i, v in enumerate(values)]
    session.info[ORGANIZATION] = SOMEBODY
    try:
        statement = build(marked)
        if statement is None:
            return NOTHING
        compiled: Any = statement.compile(dialect=dialect)
    except (TypeError, AttributeError):
        return None
    finally:
        session.info[ORGANIZATION] = own
    expanded = compiled.construct_expanded_state()
    processes = {**compiled._bind_processors, **expanded.processors}  # SQLAlchemy has no public name for the first
    constants: dict[str, Any] = {}
    places: list[tuple[str, int, Process]] = []
    for name, value in expanded.parameters.items():
        process = processes.get(name)
        if isinstance(value, Place):
            places.append((name, value.position, process))
        elif value == SOMEBODY or name.startswith(f"{ORGANIZATION}_"):
            places.append((name, len(values), process))
        else:
            constants[name] = value if process is None else process(value)
    columns = [(str(c.key), c.type.dialect_impl(dialect)) for c in statement.selected_columns]
    results = [(name, kind.result_processor(dialect, None)) for name, kind in columns]
    return Made(
        sql=expanded.statement,
        constants=constants,
        places=tuple(places),
        order=tuple(expanded.positiontup) if compiled.positional else None,
        columns=tuple(name for name, _kind in columns),
        processes=tuple((name, process) for name, process in results if process is not None),
    )
