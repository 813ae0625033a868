"""Every table of an organization is carried or left out for a reason, and the meaning of every id is known."""

import re

from tests.factories import RESOURCES
from webapp.archives.carried import (
    COUNTS,
    ITEMS,
    LEFT_OUT,
    MEANT_JSON,
    PASSING,
    PLAIN_JSON,
    carried_columns,
    carried_tables,
    tenant_tables,
    undeclared,
)

SECRET = re.compile(r"secret|hash|password|token|totp|signing|credential", re.IGNORECASE)
RESOURCES_LEFT_OUT = {"users", "organizations"}


def columns():
    return {(table.name, column.name) for table in carried_tables() for column in carried_columns(table)}


def test_what_is_left_out_is_there_and_has_a_reason():
    tables = {table.name for table in tenant_tables()}

    assert set(LEFT_OUT) <= tables
    assert all(len(reason) > 10 for reason in LEFT_OUT.values())


def test_every_resource_is_carried_or_left_out_for_a_reason():
    carried = {table.name for table in carried_tables()}

    missing = {r.table.name for r in RESOURCES.values()} - carried - set(LEFT_OUT) - RESOURCES_LEFT_OUT
    assert missing == set()


def test_the_meaning_of_every_id_and_of_all_json_is_declared():
    """A new column of an id without a foreign key, or of JSON: say in `archives/carried.py` what it means."""
    assert list(undeclared()) == []


def test_nothing_is_declared_that_is_not_there():
    every = {(table.name, column.name) for table in carried_tables() for column in table.columns}

    assert (ITEMS | COUNTS | MEANT_JSON | PASSING) - every == set()
    assert set(PLAIN_JSON) - every == set()


def test_no_column_that_is_carried_sounds_like_a_secret():
    """A table with secrets is left out, or its column named in `NOT_CARRIED`."""
    assert {place for place in columns() if SECRET.search(place[1])} == set()
