"""What an archive carries of an organization: every table of a tenant and every column, but for what is named here.

A table that comes new is carried by itself; `tests/archives/test_carried.py` asks what its ids and its JSON mean.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Table

from webapp.core.database import Model
from webapp.core.tenancy import ORGANIZATION, references

LEFT_OUT: Mapping[str, str] = {
    "activity_seals": "sealed anew: every installation has its own key",
    "api_keys": "credentials are made where they are used",
    "archives": "an archive in an archive",
    "export_runs": "files that were written once; the lists they show are carried",
    "exports": "they run with somebody's rights and mail by themselves, which a copy must not",
    "invitations": "who may come in is decided where the archive arrives",
    "jobs": "work under way stays where it is done",
    "key_usage": "counts of credentials that stay behind",
    "label_versions": "stamps of a cache",
    "memberships": "who may come in is decided where the archive arrives; members.jsonl says who they were",
    "one_time_links": "credentials",
    "replies": "answers kept for a day",
    "resource_totals": "counted anew",
    "sessions": "credentials",
    "webhook_deliveries": "messages to machines that know where they came from",
    "webhooks": "secrets, and addresses that a copy must not call by itself",
}
"""{table of a tenant: why it stays behind}"""

NOT_CARRIED = frozenset({ORGANIZATION, "transaction_id", "job_id", "api_key_id"})
"""Columns that mean something only where the row is."""
PASSING = frozenset(
    {("imports", "cursor"), ("imports", "basis"), ("import_rows", "key_tokens"), ("import_rows", "plan")}
)
"""What a job keeps in between; the next check makes it anew."""
COUNTS = frozenset({("number_series", "last")})
"""Numbers that are no ids."""
ITEMS = frozenset(
    {("activity", "item_id"), ("custom_values", "row_id"), ("import_kept", "item_id"), ("import_rows", "item_id")}
)
"""Ids of rows whose table another column names."""
MEANT_JSON = frozenset({("activity", "changes"), ("imports", "kept"), ("import_rows", "carried")})
"""JSON with ids in it, beside `custom`, whose keys are ids of fields."""
PLAIN_JSON: Mapping[tuple[str, str], type] = {
    ("custom_fields", "options"): list,
    ("field_sets", "fields"): list,
    ("import_kept", "fields"): list,
    ("import_mappings", "fields"): dict,
    ("import_mappings", "options"): dict,
    ("imports", "source"): dict,
    ("imports", "headers"): list,
    ("imports", "samples"): list,
    ("imports", "columns"): dict,
    ("imports", "options"): dict,
    ("imports", "findings"): dict,
    ("imports", "missing"): dict,
    ("imports", "counts"): dict,
    ("import_rows", "cells"): list,
    ("import_rows", "changes"): dict,
    ("import_rows", "errors"): dict,
}
"""JSON without ids, and what it is on the outside."""


@dataclass(frozen=True)
class Role:
    """What a column's value means to an archive, and the table it leads to."""

    kind: str
    target: str = ""


PLAIN, OWN, USER, FILE, ITEM, GONE = (Role(kind) for kind in ("plain", "own", "user", "file", "item", "gone"))


def tenant_tables() -> list[Table]:
    """Return every table with an organization, those first that others refer to."""
    return [table for table in Model.metadata.sorted_tables if ORGANIZATION in table.c]


def carried_tables() -> list[Table]:
    """Return the tables of an archive, those first that others refer to."""
    return [table for table in tenant_tables() if table.name not in LEFT_OUT]


def carried_columns(table: Table) -> list[Column[Any]]:
    """Return the columns of a table that are carried, the id first."""
    roles = roles_of(table)
    found = [column for column in table.columns if roles[column.name] != GONE]
    return sorted(found, key=lambda column: column.name != "id")


@lru_cache(maxsize=256)
def roles_of(table: Table) -> Mapping[str, Role]:
    """Return {column: role} of a table."""
    return {column.name: _role(table, column) for column in table.columns}


def _role(table: Table, column: Column[Any]) -> Role:
    name, leads = column.name, references(table)
    if name in NOT_CARRIED or (table.name, name) in PASSING:
        return GONE
    if name in leads:
        return GONE if leads[name].name in LEFT_OUT else Role("reference", leads[name].name)
    if name == "id":
        return OWN
    if is_user(column):
        return USER
    if name.endswith("file_key"):
        return FILE
    if (table.name, name) in ITEMS:
        return ITEM
    if is_id(column) and name.endswith("_key") and (sibling := f"{name.removesuffix('_key')}_id") in leads:
        return Role("twin", leads[sibling].name)
    return PLAIN


def is_user(column: Column[Any]) -> bool:
    """Tell whether a column names an account, by a foreign key or by its name."""
    return any(key.column.table.name == "users" for key in column.foreign_keys) or column.name.endswith("user_id")


def is_id(column: Column[Any]) -> bool:
    """Tell whether a column is as wide as an id."""
    return isinstance(column.type, BigInteger)


def is_json(column: Column[Any]) -> bool:
    """Tell whether a column holds JSON."""
    return isinstance(column.type, JSON)


def uphill(table: Table) -> set[str]:
    """Return the columns whose foreign keys close a circle, so that they are filled when all rows are there.

    A row that stands in another one of its table belongs here too, unless a twin tells them apart by it.
    """
    found = set()
    for key in table.foreign_key_constraints:
        names = [column.name for column in key.columns if column.name != ORGANIZATION]
        twins = [name for name in names if f"{name.removesuffix('_id')}_key" in table.c]
        if key.use_alter or (key.referred_table is table and not twins):
            found |= set(names)
    return found


def inner(table: Table) -> str | None:
    """Return the column by which rows stand in rows of their own table and are told apart, None without one."""
    found = [name for name, target in references(table).items() if target is table and name not in uphill(table)]
    return found[0] if found else None


def undeclared() -> Iterable[str]:
    """Yield `table.column` of what nobody has said the meaning of: wide numbers and JSON."""
    for table in carried_tables():
        for column in carried_columns(table):
            place, role = (table.name, column.name), roles_of(table)[column.name]
            if is_json(column) and column.name != "custom" and place not in MEANT_JSON | PLAIN_JSON.keys():
                yield ".".join(place)
            if is_id(column) and role == PLAIN and place not in COUNTS:
                yield ".".join(place)
