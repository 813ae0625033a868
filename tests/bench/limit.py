"""The limit route: the same rows by the bare driver, in a bare WSGI application, under the same server.

A prepared statement in autocommit, names from a dict of the process, the total from its counter, dumped by orjson. It
knows no credentials, no organizations and no rights: what is between it and the program is what those cost, and we.
Set by BENCH_LIMIT, a JSON object: {"postgresql": DSN} or {"sqlite": PATH}, and {"organization": ID, "fields": {…}}.
"""

import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import orjson
import psycopg

COLUMNS = [
    "id",
    "guid",
    "created_at",
    "updated_at",
    "version",
    "deleted_at",
    "custom",
    "tag",
    "name",
    "product_id",
    "serial_number",
    "category_id",
    "status_id",
    "condition",
    "description",
    "is_requestable",
    "location_id",
    "home_location_id",
    "parent_id",
    "latitude",
    "longitude",
    "technician_id",
    "department_id",
    "company_id",
    "ownership",
    "is_byod",
    "purchased_on",
    "purchase_cost",
    "currency",
    "supplier_id",
    "order_number",
    "depreciation_id",
    "warranty_months",
    "warranty_expires_on",
    "end_of_life_on",
    "maintenance_enabled",
    "maintenance_interval_days",
    "last_maintained_on",
    "next_maintenance_on",
    "last_audited_on",
    "next_audit_on",
    "notes",
]
NAMED = {
    "product": "products",
    "category": "categories",
    "status": "statuses",
    "location": "locations",
    "home_location": "locations",
    "technician": "persons",
    "department": "departments",
    "company": "companies",
    "supplier": "suppliers",
    "depreciation": "depreciations",
}
FLAGS = ("is_requestable", "is_byod", "maintenance_enabled")
MOMENTS = ("created_at", "updated_at")
Execute = Callable[[str, Sequence[Any]], Sequence[Sequence[Any]]]
StartResponse = Callable[[str, list[tuple[str, str]]], Any]


class Limit:
    """What a process keeps: the names of everything that rows refer to, and a connection a thread."""

    def __init__(self, wanted: Mapping[str, Any]) -> None:
        self.wanted, self.local = wanted, threading.local()
        self.organization = int(wanted["organization"])
        self.slugs = {str(field_id): slug for slug, field_id in wanted["fields"].items()}
        self.whole = {str(wanted["fields"]["cycles"])}
        self.mark = "%s" if "postgresql" in wanted else "?"
        self.names = {kind: self._names(kind) for kind in set(NAMED.values()) | {"manufacturers"}}
        products = "SELECT id, manufacturer_id, model_number, depreciation_id FROM products WHERE organization_id = "
        self.products = {row[0]: row[1:] for row in self.execute()(products + self.mark, [self.organization])}
        listed = ", ".join(COLUMNS)
        own = f"FROM assets WHERE organization_id = {self.mark} AND deleted_at IS NULL"
        self.page = f"SELECT {listed} {own} ORDER BY created_at DESC, id DESC LIMIT 50"
        self.one = f"SELECT {listed} {own} AND id = {self.mark}"
        counter = "SELECT total FROM resource_totals WHERE item_type = 'assets' AND organization_id = "
        self.total = counter + self.mark

    def execute(self) -> Execute:
        """Return what runs a statement on this thread's connection."""
        found: Execute | None = getattr(self.local, "execute", None)
        if found is None:
            found = self.local.execute = self._sqlite() if "sqlite" in self.wanted else self._postgresql()
        return found

    def _postgresql(self) -> Execute:
        connection = psycopg.connect(self.wanted["postgresql"], autocommit=True)
        connection.execute("SET jit = off; SET random_page_cost = 1.1")
        cursor = connection.cursor(binary=True)

        def execute(statement: str, values: Sequence[Any]) -> Sequence[Sequence[Any]]:
            return cursor.execute(statement, values, prepare=True).fetchall()

        return execute

    def _sqlite(self) -> Execute:
        connection = sqlite3.connect(f"file:{self.wanted['sqlite']}?mode=ro", uri=True, isolation_level=None)
        return lambda statement, values: connection.execute(statement, values).fetchall()

    def _names(self, kind: str) -> dict[int, str]:
        parent = "parent_id" if kind in ("locations", "categories") else "NULL"
        query = f"SELECT id, name, {parent} FROM {kind} WHERE organization_id = {self.mark}"
        rows = {row[0]: (row[1], row[2]) for row in self.execute()(query, [self.organization])}

        def path(row_id: int) -> str:
            name, above = rows[row_id]
            return f"{path(above)} / {name}" if above else str(name)

        return {row_id: path(row_id) for row_id in rows}

    def row(self, values: Sequence[Any]) -> dict[str, Any]:
        """Return a row as the API shows it."""
        found = dict(zip(COLUMNS, values, strict=True))
        maker, model, depreciation = self.products.get(found["product_id"]) or (None, None, None)
        found.update(manufacturer_id=maker, model_number=model, product_depreciation_id=depreciation)
        names = self.names
        for name, kind in NAMED.items():
            found[name] = names[kind].get(found[f"{name}_id"])
        found["manufacturer"] = names["manufacturers"].get(maker)  # type: ignore[arg-type] # None has no name
        found["parent"] = None
        found["product_depreciation"] = names["depreciations"].get(depreciation)  # type: ignore[arg-type] # None too
        cost = found["purchase_cost"]
        found["purchase_cost"] = found["book_value"] = (
            None if cost is None else f"{cost // 10_000}.{cost // 100 % 100:02d}"
        )
        found["maintenance_status"] = "disabled" if not found["maintenance_enabled"] else "current"
        custom = found["custom"]
        if custom.__class__ is str:
            custom = orjson.loads(custom)
            for name in FLAGS:
                found[name] = bool(found[name])
            for name in MOMENTS:
                found[name] = f"{found[name][:10]}T{found[name][11:23]}Z"
        slugs, whole = self.slugs, self.whole
        found["custom"] = {slugs[key]: int(value) if key in whole else value for key, value in custom.items()}
        return found

    def list(self) -> bytes:
        """Return the page of 50."""
        execute = self.execute()
        rows = [self.row(values) for values in execute(self.page, [self.organization])]
        [[total]] = execute(self.total, [self.organization])
        pages = {"page": 1, "per_page": 50, "total": total, "total_capped": False, "total_pages": -(-total // 50)}
        return orjson.dumps({"data": rows, "pagination": pages}, option=orjson.OPT_UTC_Z)

    def detail(self, row_id: int) -> bytes:
        """Return one row."""
        [values] = self.execute()(self.one, [self.organization, row_id])
        return orjson.dumps({"data": self.row(values)}, option=orjson.OPT_UTC_Z)


def make_app(wanted: Mapping[str, Any]) -> Callable[[dict[str, Any], StartResponse], Iterable[bytes]]:
    """Return the WSGI application."""
    limit = Limit(wanted)

    def app(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        part = environ["PATH_INFO"].rpartition("/")[2]
        body = limit.detail(int(part)) if part.isdecimal() else limit.list()
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
        return [body]

    return app


if "BENCH_LIMIT" in os.environ:
    app = make_app(orjson.loads(os.environ["BENCH_LIMIT"]))
