"""Imports, their rows and kept mappings as the API shows them, and what its document says of them."""

from collections.abc import Mapping
from typing import Any

from webapp.core.context import Context
from webapp.core.custom import tailor
from webapp.core.parameters import PER_PAGE, PER_PAGE_LIMIT
from webapp.core.resource import registry
from webapp.faces import openapi
from webapp.faces.api import job_plain
from webapp.faces.problems import PREFIX
from webapp.faces.serialize import moment_text
from webapp.imports.charset import ENCODINGS
from webapp.imports.mapping import guess_columns
from webapp.imports.mappings import LONGEST_NAME
from webapp.imports.models import FATES
from webapp.imports.standing import RUNNING, progress_of

STATES = (*RUNNING, "uploaded", "checked", "applied", "stopped", "undone", "failed", "discarded")
OPTIONS = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "match": {"type": ["string", "null"], "description": "The field that finds existing rows"},
        "create": {"type": "array", "items": {"type": "string"}, "description": "Kinds to make when missing"},
        "dates": {"type": "object", "description": "Column number → dmy, mdy or ymd"},
        "decimals": {"type": "object", "description": "Column number → point or comma"},
        "blanks": {"type": "string", "enum": ["keep", "clear"]},
        "encoding": {"type": ["string", "null"], "enum": [*ENCODINGS, None], "description": "null: found out"},
        "delimiter": {"type": ["string", "null"], "description": "null: found out"},
        "sheet": {"type": ["string", "null"], "description": "The name of a workbook's sheet; null: the first"},
    },
}
COLUMNS = {"type": "object", "additionalProperties": {"type": ["string", "null"]}}
IMPORT = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "guid": {"type": "string"},
        "resource": {"type": "string"},
        "filename": {"type": "string"},
        "state": {"type": "string", "enum": list(STATES)},
        "message": {"type": ["string", "null"]},
        "progress": {"type": "integer", "minimum": 0, "maximum": 100, "description": "Percent of the present step"},
        "mapping": {
            "type": ["object", "null"],
            "properties": {"id": {"type": "integer"}, "name": {"type": "string"}},
            "description": "The kept mapping that the columns were read by",
        },
        "source": {"type": "object", "description": "How the file was read: kind, encoding, delimiter, sheet, sheets"},
        "findings": {"type": "object", "description": "What was found of each column's dates and decimals"},
        "rows_url": {"type": "string", "description": "Where its rows are"},
        "total": {"type": "integer"},
        "counts": {"type": "object", "additionalProperties": {"type": "integer"}},
        "columns": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "column": {"type": "integer"},
                    "header": {"type": "string"},
                    "field": {"type": ["string", "null"]},
                    "reason": {"type": ["string", "null"]},
                    "samples": {"type": "array", "items": {"type": "string"}},
                    "date_order": {"type": ["string", "null"]},
                    "decimal_mark": {"type": ["string", "null"]},
                },
            },
        },
        "options": OPTIONS,
        "missing": {"type": "object"},
        "kept": {"type": "array", "items": {"type": "object"}, "description": "The first that an undo kept"},
        "change_set_id": {"type": ["string", "null"]},
        "job": {"oneOf": [openapi.JOB, {"type": "null"}]},
        "created_at": {"type": "string", "format": "date-time"},
        "applied_at": {"type": ["string", "null"], "format": "date-time"},
        "undone_at": {"type": ["string", "null"], "format": "date-time"},
        "purged_at": {"type": ["string", "null"], "format": "date-time", "description": "When file and rows went"},
    },
}
ROW = {
    "type": "object",
    "properties": {
        "number": {"type": "integer", "description": "As a spreadsheet program counts"},
        "fate": {"type": "string", "enum": list(FATES)},
        "title": {"type": "string"},
        "item_id": {"type": ["integer", "null"]},
        "cells": {"type": "array", "items": {}},
        "changes": {"type": "array", "items": {"type": "object"}},
        "errors": openapi.PROBLEM["properties"]["errors"],  # type: ignore[index] # a literal of ours
        "note": {"type": ["string", "null"]},
        "is_mended": {"type": "boolean"},
        "is_skipped": {"type": "boolean"},
        "applied_at": {"type": ["string", "null"], "format": "date-time"},
    },
}
MENDING = openapi.json_body(
    {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "cells": {
                "description": "Contents by heading, or of every column in order",
                "oneOf": [
                    {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean", "null"]}},
                    {"type": "array", "items": {"type": ["string", "number", "boolean", "null"]}},
                ],
            },
            "skip": {"type": "boolean"},
        },
    }
)
KEPT = {
    "type": "object",
    "properties": {
        "resource": {"type": ["string", "null"]},
        "item_id": {"type": "integer"},
        "name": {"type": "string"},
        "reason": {"type": "string"},
        "fields": {"type": "array", "items": {"type": "string"}},
    },
}
MAPPING_OPTIONS = {
    **OPTIONS,
    "properties": {
        **OPTIONS["properties"],  # type: ignore[dict-item] # a literal of ours
        "dates": {"type": "object", "description": "Heading → dmy, mdy or ymd"},
        "decimals": {"type": "object", "description": "Heading → point or comma"},
    },
}
MAPPING = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "guid": {"type": "string"},
        "name": {"type": "string"},
        "resource": {"type": "string"},
        "columns": {**COLUMNS, "description": "Heading, in small letters and words alone → field, or null"},
        "options": MAPPING_OPTIONS,
        "created_at": {"type": "string", "format": "date-time"},
        "updated_at": {"type": "string", "format": "date-time"},
    },
}
NEW_MAPPING = openapi.json_body(
    {
        "type": "object",
        "additionalProperties": False,
        "required": ["name"],
        "properties": {
            "name": {"type": "string", "maxLength": LONGEST_NAME},
            "import_id": {"type": "integer", "description": "Keep what this import says"},
            "resource": {"type": "string", "description": "Without import_id: what the rows are"},
            "columns": {**COLUMNS, "description": "Without import_id: heading → field, or null"},
            "options": MAPPING_OPTIONS,
        },
    }
)
RENAMING = openapi.json_body(
    {"type": "object", "additionalProperties": False, "required": ["name"], "properties": {"name": {"type": "string"}}}
)
FILE = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {
                    "file": {"type": "string", "contentMediaType": "application/octet-stream"},
                    "resource": {
                        "type": "string",
                        "default": "assets",
                        "description": "What the rows are; `auto` lets the headings tell",
                    },
                    "mapping": {"type": "string", "description": "Name or id of a kept mapping"},
                    "options": OPTIONS,
                },
            }
        }
    },
}
PATCH = openapi.json_body(
    {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "columns": {**COLUMNS, "description": "Column number, from 0 → field, or null to leave it out"},
            "options": OPTIONS,
            "mapping": {"type": "string", "description": "Name or id of a kept mapping"},
        },
    }
)
PAGING = [
    {"name": "page", "in": "query", "schema": {"type": "integer", "minimum": 1, "default": 1}},
    {
        "name": "per_page",
        "in": "query",
        "schema": {"type": "integer", "minimum": 1, "maximum": PER_PAGE_LIMIT, "default": PER_PAGE},
    },
]
FATE = {"name": "fate", "in": "query", "schema": {"type": "string", "enum": list(FATES)}}
Q = {"name": "q", "in": "query", "schema": {"type": "string"}, "description": "A part of any of the row's cells"}


def list_of(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the envelope of one page of a list."""
    return {
        "type": "object",
        "required": ["data", "pagination"],
        "properties": {"data": {"type": "array", "items": schema}, "pagination": openapi.PAGINATION},
    }


def plain_import(context: Context, row: Mapping[str, Any], names: Mapping[int, str]) -> dict[str, Any]:
    """Return an import as the API shows it; `names` are those of the kept mappings."""
    shown = ("id", "guid", "resource", "filename", "state", "message", "source", "findings", "total", "counts")
    settled = ("options", "missing", "change_set_id")
    moments = {
        name: moment_text(row[name]) if row[name] else None
        for name in ("created_at", "applied_at", "undone_at", "purged_at")
    }
    guesses = guess_columns(tailor(context, registry.resources[row["resource"]]), row["headers"])
    findings = row["findings"]
    columns = [
        {
            "column": index,
            "header": header,
            "field": row["columns"].get(str(index)),
            "reason": str(guess.reason) if guess.reason and row["columns"].get(str(index)) is None else None,
            "samples": row["samples"][index],
            "date_order": findings.get("dates", {}).get(str(index)),
            "decimal_mark": findings.get("decimals", {}).get(str(index)),
        }
        for index, (header, guess) in enumerate(zip(row["headers"], guesses, strict=True))
    ]
    kept = names.get(row["mapping_id"])
    return {
        **{name: row[name] for name in (*shown, *settled)},
        **moments,
        "progress": progress_of(dict(row)),
        "mapping": {"id": row["mapping_id"], "name": kept} if kept is not None else None,
        "columns": columns,
        "kept": [plain_kept(line) for line in row["kept"]],
        "rows_url": f"{PREFIX}/imports/{row['id']}/rows",
        "job": job_plain(row["job"]) if row["job"] else None,
    }


def plain_row(context: Context, found: Mapping[str, Any], row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row as the API shows it."""
    shown = ("number", "fate", "title", "item_id", "cells", "note", "is_mended", "is_skipped")
    resource = tailor(context, registry.resources[found["resource"]])
    names = {item.column: name for name, item in resource.customs.items()}
    changes = [{"field": names.get(name, name), "old": old, "new": new} for name, (old, new) in row["changes"].items()]
    errors = [{"field": n, "message": m, "code": "invalid"} for n, found in row["errors"].items() for m in found]
    applied = moment_text(row["applied_at"]) if row["applied_at"] else None
    return {name: row[name] for name in shown} | {"changes": changes, "errors": errors, "applied_at": applied}


def plain_kept(line: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an undo kept as the API shows it."""
    known = registry.by_table(line["item_type"])
    own = {name: line[name] for name in ("item_id", "name", "reason", "fields")}
    return {"resource": known.name if known else None, **own}


def plain_mapping(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a kept mapping as the API shows it."""
    own = {name: row[name] for name in ("id", "guid", "name", "resource", "options")}
    moments = {name: moment_text(row[name]) for name in ("created_at", "updated_at")}
    return {**own, "columns": row["fields"], **moments}
