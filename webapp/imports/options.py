"""The choices of an import: which key matches, what may be created, how dates and numbers of a column are read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from flask_babel import gettext as _

from webapp.core.errors import Invalid
from webapp.core.resource import Resource
from webapp.imports.lookups import BY_NAME_ALONE
from webapp.imports.targets import targets_of

CREATABLE: dict[str, tuple[str, ...]] = {
    "assets": ("categories", "manufacturers", "products", "locations", *BY_NAME_ALONE)
}
DATE_ORDERS = ("dmy", "mdy", "ymd")
DECIMALS = ("point", "comma")
BLANKS = ("keep", "clear")


@dataclass(frozen=True, slots=True)
class Options:
    """How an import reads its file.

    `match` names the field that finds existing rows (None: all rows are new); `create` the kinds that are made when
    missing; `dates` and `decimals` are what people chose for a column; `blanks` says whether an empty cell leaves an
    existing value alone ("keep") or empties it ("clear").
    """

    match: str | None = None
    create: frozenset[str] = frozenset()
    dates: Mapping[int, str] = field(default_factory=dict)
    decimals: Mapping[int, str] = field(default_factory=dict)
    blanks: str = "keep"

    def to_json(self) -> dict[str, Any]:
        """Return the options as JSON keeps them."""
        return {
            "match": self.match,
            "create": sorted(self.create),
            "dates": {str(index): order for index, order in self.dates.items()},
            "decimals": {str(index): mark for index, mark in self.decimals.items()},
            "blanks": self.blanks,
        }


def options_from_json(data: Mapping[str, Any]) -> Options:
    """Return options from what `to_json` made."""
    return Options(
        match=data.get("match"),
        create=frozenset(data.get("create", ())),
        dates={int(index): order for index, order in data.get("dates", {}).items()},
        decimals={int(index): mark for index, mark in data.get("decimals", {}).items()},
        blanks=data.get("blanks", "keep"),
    )


def changed_options(resource: Resource, options: Options, patch: Mapping[str, Any], width: int) -> Options:
    """Return options with a patch of the same shape as `to_json`; raises Invalid naming what is wrong."""
    keys = [name for name, target in targets_of(resource).items() if target.key]
    errors: dict[str, list[str]] = {}
    for name in patch.keys() - {"match", "create", "dates", "decimals", "blanks"}:
        errors[f"options.{name}"] = [_("There is no such option.")]
    if patch.get("match") not in (None, *keys):
        errors["options.match"] = [_("Rows are matched by one of: %(names)s.", names=", ".join(keys))]
    if "blanks" in patch and patch["blanks"] not in BLANKS:
        errors["options.blanks"] = [_("Say keep or clear.")]
    _check_words(errors, "create", patch.get("create", ()), CREATABLE[resource.name])
    for name, words in (("dates", DATE_ORDERS), ("decimals", DECIMALS)):
        _check_columns(errors, name, patch.get(name, {}), words, width)
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
        str(index).isascii() and str(index).isdigit() and int(index) < width and word in words
        for index, word in given.items()
    )
    if not valid:
        errors[f"options.{name}"] = [_("Give a column's number and one of: %(words)s.", words=", ".join(words))]
