"""Write lists as CSV, XLSX and JSON lines: streamed, formula cells made harmless, so that an import takes them back.

What is made later is a feature's: it offers its ways beside the files (`offer`), and takes the workbooks that are too
long to be waited for (`when_long`).
"""

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import IO, Any

import orjson
from flask import Flask, Response, current_app
from flask_babel import force_locale, get_locale
from flask_babel import gettext as _

from webapp.core.access import require
from webapp.core.compiled import Columns
from webapp.core.context import Context, make_context
from webapp.core.errors import BadRequest
from webapp.core.fields import FaceField
from webapp.core.naming import height
from webapp.core.parameters import ListParameters
from webapp.core.query import list_rows, matching_ids, stream_columns
from webapp.core.resource import Resource
from webapp.core.tenancy import new_session
from webapp.edge.line import step_aside
from webapp.faces.cells import each, line_cells, text_cells
from webapp.faces.cells import neutralize as neutralize
from webapp.faces.cells import restore as restore
from webapp.faces.serialize import converters
from webapp.faces.workbook import sheet_title as sheet_title
from webapp.faces.workbook import write_xlsx

Chunks = Iterable[Columns]
"""The columns of some rows at a time."""
Way = dict[str, Any]
LEFT_OUT = frozenset({"id", "guid", "version", "deleted_at", "custom"})
LAST = frozenset({"created_at", "updated_at"})
GLOBAL_ID = "guid"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
TYPES = {"csv": "text/csv", "xlsx": XLSX, "jsonl": "application/jsonl"}
SEARCHED, PORTION = 1_000, 250
AT_ONCE = 5_000
"""Rows of a workbook that are made while somebody waits: some five seconds, while the browser shows a download."""
Offer = Callable[[Context, Resource, str, str], list[Way]]
LINE = orjson.OPT_APPEND_NEWLINE
offers: list[Offer] = []
long_ways: list[Callable[[Context, Resource, str], Response]] = []


def offer(ways: Offer) -> Offer:
    """Have a feature add ways to a list's export menu: it is given the list's query string and the columns shown."""
    if ways not in offers:
        offers.append(ways)
    return ways


def when_long(way: Callable[[Context, Resource, str], Response]) -> Callable[[Context, Resource, str], Response]:
    """Have a feature answer for the workbook of a list that has more rows than are made at once."""
    long_ways[:] = [way]
    return way


def export_response(
    context: Context,
    resource: Resource,
    parameters: ListParameters,
    format: str,  # the word of the URL
    query: str = "",
) -> Response:
    """Return a list as a file: `csv` and `jsonl` are streamed, `xlsx` is built on disk first.

    The rows are read in a session of their own, because the request's session ends before its answer does. A long
    workbook is left to who makes it later, by the list's `query`.
    Raises Forbidden without the right to read the resource and BadRequest for another format.
    """
    require(context.actor, resource.read_permission)
    if format not in TYPES:
        raise BadRequest(_("Lists are exported as csv, xlsx or jsonl."))
    if format != "xlsx":
        return streamed(list_blocks(context, resource, parameters, format), _filename(context, resource, format))
    if long_ways and len(matching_ids(context, resource, parameters, AT_ONCE + 1)) > AT_ONCE:
        return long_ways[0](context, resource, query)
    return _workbook_response(context, resource, parameters)


def list_blocks(
    context: Context,
    resource: Resource,
    parameters: ListParameters,
    format: str,  # the word of the URL
    tell: Callable[[int], object] = int,
) -> Iterator[bytes]:
    """Yield a list as text, a block at a time; `tell` is told how many rows each block has."""
    fields = export_fields(resource, parameters)
    chunks = chunks_of(context, resource, parameters, tell)
    if format == "jsonl":
        return write_jsonl(chunks, resource, tuple(fields) if parameters.fields else None)
    return write_csv(chunks, fields)


def write_workbook(
    context: Context,
    resource: Resource,
    parameters: ListParameters,
    file: IO[bytes],
    tell: Callable[[int], object] = int,
) -> None:
    """Write a list into a file as a workbook; `tell` is told how many rows each chunk has."""
    chunks, fields = chunks_of(context, resource, parameters, tell), export_fields(resource, parameters)
    write_xlsx(chunks, headings(fields), fields, context.tenant.timezone, str(resource.title), file)


def export_fields(resource: Resource, parameters: ListParameters) -> dict[str, FaceField]:
    """Return the fields of an export in order: the ones asked for, or all but ids whose name stands beside them.

    The last one is always the global id: by it an edited file finds its rows again.
    """
    left_out = LEFT_OUT | {item.of for item in resource.names.values()}
    names = list(parameters.fields or sorted((n for n in resource.fields if n not in left_out), key=LAST.__contains__))
    names = [name for name in names if name != GLOBAL_ID] + [GLOBAL_ID] * (GLOBAL_ID in resource.fields)
    return {name: resource.fields[name] for name in names}


def headings(fields: Mapping[str, FaceField]) -> list[str]:
    """Return the heading of each field: its label in the reader's language, or its name."""
    return [str(item.label or name) for name, item in fields.items()]


def write_csv(chunks: Chunks, fields: Mapping[str, FaceField]) -> Iterator[bytes]:
    """Yield a CSV file, one block a portion of rows, in UTF-8 with the mark that Excel needs."""
    heads = line_cells(list, [neutralize(heading) for heading in headings(fields)])
    yield f"\ufeff{','.join(heads)}\r\n".encode()
    makers = [(name, text_cells(item)) for name, item in fields.items()]
    for columns in portions(chunks):
        cells = [line_cells(make, columns[name]) for name, make in makers]
        yield "\r\n".join([*map(",".join, zip(*cells, strict=True)), ""]).encode()


def portions(chunks: Chunks, size: int = PORTION) -> Iterator[Columns]:
    """Yield chunks in portions, so that little of them stands in memory both as it is read and as it is written."""
    for columns in chunks:
        for start in range(0, height(columns), size):
            yield {name: values[start : start + size] for name, values in columns.items()}


def write_jsonl(chunks: Chunks, resource: Resource, names: tuple[str, ...] | None) -> Iterator[bytes]:
    """Yield JSON lines, one object a row in the native API's shape, one block a chunk of rows."""
    shown = converters(resource, names)
    keys = [name for name, _convert in shown]
    changes = [(name, list if convert is None else each(convert)) for name, convert in shown]
    for columns in portions(chunks):
        nothing = (None,) * height(columns)
        made = zip(*[change(columns.get(name, nothing)) for name, change in changes], strict=True)
        yield b"".join([orjson.dumps(dict(zip(keys, row, strict=True)), option=LINE) for row in made])


def chunks_of(
    context: Context, resource: Resource, parameters: ListParameters, tell: Callable[[int], object] = int
) -> Iterator[Columns]:
    """Yield the columns of a list in chunks of rows, read in a session of their own with the actor's reach."""
    if parameters.fields:
        parameters = replace(parameters, fields=tuple(export_fields(resource, parameters)))
    scope = context.actor.scope_location_id
    with new_session(context.organization_id, write=False, scope_location_id=scope) as session:
        own = make_context(session, context.tenant, context.actor, at=context.at)
        if parameters.q and not parameters.sorted_by_user:  # ordered by how well they fit, as on the screen
            found = list_rows(own, resource, replace(parameters, page=1, per_page=SEARCHED, cursor=None)).rows
            tell(len(found))
            yield {name: [row[name] for row in found] for name in (found[0] if found else ())}
            return
        for columns in stream_columns(own, resource, parameters):
            step_aside()
            tell(height(columns))
            yield columns


def streamed(blocks: Iterator[bytes], filename: str) -> Response:
    """Return blocks as a file to save, each made when the one before is sent; its ending says its type."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined] # the proxy's own way to what it stands for
    kind = TYPES[filename.rpartition(".")[2]]
    response = Response(_outliving(app, str(get_locale() or "en"), blocks), mimetype=kind)
    response.headers.set("Content-Disposition", "attachment", filename=filename)
    return response


def _outliving(app: Flask, locale: str, blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Give each step of an answer that is sent after its request the application and the reader's language."""
    while True:
        with app.app_context(), force_locale(locale):
            block = next(blocks, None)
        if block is None:
            return
        yield block


def _workbook_response(context: Context, resource: Resource, parameters: ListParameters) -> Response:
    file = tempfile.TemporaryFile()  # noqa: SIM115 the answer closes it
    write_workbook(context, resource, parameters, file)
    response = Response(drain(file), mimetype=XLSX)
    response.content_length = file.seek(0, 2)
    response.headers.set("Content-Disposition", "attachment", filename=_filename(context, resource, "xlsx"))
    response.call_on_close(file.close)
    return response


def drain(file: IO[bytes]) -> Iterator[bytes]:
    """Yield what a file holds, and close it."""
    with file:
        file.seek(0)
        while block := file.read(65_536):
            yield block


def _filename(context: Context, resource: Resource, ending: str) -> str:
    return f"{resource.name}-{context.today.isoformat()}.{ending}"
