"""The choices of an import: how the file is read, which key matches, what may be created, how columns are written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from webapp.core.errors import Invalid
from webapp.core.resource import Resource
from webapp.imports.charset import ENCODINGS
from webapp.imports.delimited import known_delimiter
from webapp.imports.targets import creatable_kinds, match_keys
from webapp.imports.unreadable import UnreadableSheet

DELIMITERS = {",": _l("commas"), ";": _l("semicolons"), "\t": _l("tabs"), "|": _l("vertical bars")}
DATE_ORDERS = ("dmy", "mdy", "ymd")
DECIMALS = ("point", "comma")
BLANKS = ("keep", "clear")
READING = ("encoding", "delimiter", "sheet")
"""The options that say how the file becomes rows; with another one the columns are others."""


@dataclass(frozen=True, slots=True)
class Options:
    """How an import reads its file.

    `encoding`, `delimiter` and `sheet` are None as long as they are to be found out. `match` names the field that finds
    existing rows (None: all rows are new); `create` the kinds that are made when missing; `dates` and `decimals` are
    what people chose for a column; `blanks` says whether an empty cell leaves an existing value alone ("keep") or
    empties it ("clear").
    """

    match: str | None = None
    create: frozenset[str] = frozenset()
    dates: Mapping[int, str] = field(default_factory=dict)
    decimals: Mapping[int, str] = field(default_factory=dict)
    blanks: str = "keep"
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the options as JSON keeps them."""
        return {
            "match": self.match,
            "create": sorted(self.create),
            "dates": {str(index): order for index, order in self.dates.items()},
            "decimals": {str(index): mark for index, mark in self.decimals.items()},
            "blanks": self.blanks,
            **{name: getattr(self, name) for name in READING},
        }


def options_from_json(data: Mapping[str, Any]) -> Options:
    """Return options from what `to_json` made."""
    return Options(
        match=data.get("match"),
        create=frozenset(data.get("create", ())),
        dates={int(index): order for index, order in data.get("dates", {}).items()},
        decimals={int(index): mark for index, mark in data.get("decimals", {}).items()},
        blanks=data.get("blanks", "keep"),
        encoding=data.get("encoding"),
        delimiter=known_delimiter(data["delimiter"]) if data.get("delimiter") is not None else None,
        sheet=data.get("sheet"),
    )


def changed_options(resource: Resource, options: Options, patch: Mapping[str, Any], width: int) -> Options:
    """Return options with a patch of the same shape as `to_json`; raises Invalid naming what is wrong."""
    keys = match_keys(resource)
    errors: dict[str, list[str]] = {}
    for name in patch.keys() - set(Options.__slots__):
        errors[f"options.{name}"] = [_("There is no such option.")]
    if patch.get("match") not in (None, *keys):
        errors["options.match"] = [_("Rows are matched by one of: %(names)s.", names=", ".join(keys))]
    if "blanks" in patch and patch["blanks"] not in BLANKS:
        errors["options.blanks"] = [_("Say keep or clear.")]
    _check_words(errors, "create", patch.get("create", ()), creatable_kinds(resource))
    for name, words in (("dates", DATE_ORDERS), ("decimals", DECIMALS)):
        _check_columns(errors, name, patch.get(name, {}), words, width)
    _check_reading(errors, patch)
    if errors:
        raise Invalid(errors)
    return replace(
        options, **{name: getattr(options_from_json(patch), name) for name in Options.__slots__ if name in patch}
    )


def _check_words(errors: dict[str, list[str]], name: str, given: Any, known: Iterable[str]) -> None:
    if not isinstance(given, list | tuple) or not set(map(str, given)) <= set(known):
        errors[f"options.{name}"] = [_("Name some of: %(names)s.", names=", ".join(known))]


def _check_columns(errors: dict[str, list[str]], name: str, given: Any, words: tuple[str, ...], width: int) -> None:
    valid = isinstance(given, Mapping) and all(
        str(index).isascii() and str(index).isdigit() and len(str(index)) < 6 and int(index) < width and word in words
        for index, word in given.items()
    )
    if not valid:
        errors[f"options.{name}"] = [_("Give a column's number and one of: %(words)s.", words=", ".join(words))]


def _check_reading(errors: dict[str, list[str]], patch: Mapping[str, Any]) -> None:
    encoding, delimiter, sheet = (patch.get(name) for name in READING)
    if encoding is not None and encoding not in (*ENCODINGS,):
        errors["options.encoding"] = [_("Say one of: %(names)s.", names=", ".join(ENCODINGS))]
    if delimiter is not None:
        try:
            known_delimiter(str(delimiter))
        except UnreadableSheet as error:
            errors["options.delimiter"] = [error.message]
    if sheet is not None and not (isinstance(sheet, str) and 0 < len(sheet) <= 255 and "\0" not in sheet):
        errors["options.sheet"] = [_("Name one of the workbook's sheets.")]


def reading_options(patch: Mapping[str, Any]) -> Options:
    """Return options with only how a patch has the file read; raises Invalid naming what is wrong."""
    errors: dict[str, list[str]] = {}
    _check_reading(errors, patch)
    if errors:
        raise Invalid(errors)
    return options_from_json({name: patch.get(name) for name in READING})
