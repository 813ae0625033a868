"""Workbooks for tests: XLSX by XlsxWriter, ODS as LibreOffice writes it, and both with one thing changed."""

import io
import zipfile
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from xml.sax.saxutils import escape

import xlsxwriter

ODS_TYPE = "application/vnd.oasis.opendocument.spreadsheet"
NAMES = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text", "style")
)
END_OF_SHEET = (
    '<table:table-row table:number-rows-repeated="1048574"><table:table-cell table:number-columns-repeated="16384"/>'
    "</table:table-row>"
)


def zipped(parts: Mapping[str, bytes]) -> bytes:
    """Return a zip file of parts."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return file.getvalue()


def parts_of(content: bytes) -> dict[str, bytes]:
    """Return the parts of a zip file."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def remade(content: bytes, part: str, old: bytes, new: bytes) -> bytes:
    """Return a workbook in one part of which some bytes are others."""
    parts = parts_of(content)
    assert old in parts[part]
    return zipped(parts | {part: parts[part].replace(old, new)})


def xlsx(*sheets: Mapping[str, Any], hide: str = "", formats: Mapping[str, str] | None = None) -> bytes:
    """Return a workbook of {"A1": value}; `formats` are those of some cells of the first sheet."""
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False})
    for number, cells in enumerate(sheets):
        sheet = book.add_worksheet(f"Sheet{number}")
        for place, value in cells.items():
            code = (formats or {}).get(place) or ("yyyy-mm-dd" if isinstance(value, date) else "")
            write = sheet.write_datetime if isinstance(value, date) else sheet.write
            write(place, value, book.add_format({"num_format": code}) if code else None)
        if sheet.name == hide:
            sheet.hide()
    book.close()
    return file.getvalue()


def xlsx_with(rows: str, **parts: bytes) -> bytes:
    """Return a workbook whose sheet holds these <row> elements; `strings` replaces its texts."""
    content = xlsx({"A1": "x"})
    made = parts_of(content)
    sheet = made["xl/worksheets/sheet1.xml"]
    start, end = sheet.index(b"<sheetData>") + len(b"<sheetData>"), sheet.index(b"</sheetData>")
    made["xl/worksheets/sheet1.xml"] = sheet[:start] + rows.encode() + sheet[end:]
    if "strings" in parts:
        made["xl/sharedStrings.xml"] = parts["strings"]
    return zipped(made)


def ods_cell(value: Any) -> str:
    """Return a cell as LibreOffice writes it; a text that begins with < is the element itself."""
    if isinstance(value, bool):
        shown, kind = str(value).upper(), f'boolean" office:boolean-value="{str(value).lower()}'
    elif isinstance(value, int | float):
        shown, kind = str(value), f'float" office:value="{value}'
    elif isinstance(value, date):
        shown, kind = str(value), f'date" office:date-value="{value.isoformat()}'
    elif value.startswith("<") or not value:
        return value or "<table:table-cell/>"
    else:
        shown, kind = escape(value), "string"
    return f'<table:table-cell office:value-type="{kind}"><text:p>{shown}</text:p></table:table-cell>'


def ods(sheets: Mapping[str, list[list[Any]]], *, hide: str = "", rows: str = "", **parts: bytes) -> bytes:
    """Return an ODS workbook; `rows` is put before the end of every sheet, `parts` beside the content."""
    tables = ""
    for name, lines in sheets.items():
        body = "".join(
            f"<table:table-row>{''.join(map(ods_cell, line))}<table:table-cell"
            ' table:number-columns-repeated="16000"/></table:table-row>'
            for line in lines
        )
        style = "hidden" if name == hide else "shown"
        tables += f'<table:table table:name="{escape(name)}" table:style-name="{style}">{body}{rows}{END_OF_SHEET}</table:table>'
    styles = "".join(
        f'<style:style style:name="{name}"><style:table-properties table:display="{value}"/></style:style>'
        for name, value in (("shown", "true"), ("hidden", "false"))
    )
    content = (
        f'<?xml version="1.0"?><office:document-content {NAMES}><office:automatic-styles>{styles}'
        f"</office:automatic-styles><office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body>"
        "</office:document-content>"
    )
    named = {name.replace("__", "/").replace("_xml", ".xml"): part for name, part in parts.items()}
    manifest = {"META-INF/manifest.xml": b"<manifest/>"} | named
    return zipped({"mimetype": ODS_TYPE.encode(), "content.xml": content.encode()} | manifest)


MOMENT = datetime(2024, 1, 31, 9, 30)
