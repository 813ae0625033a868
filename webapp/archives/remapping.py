"""The ids of an archive's rows turned into those of the organization that is made of it.

An id that leads to nothing the archive holds becomes empty, 0 where a column must say something: no row has that id.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sqlalchemy import Table

from webapp.archives.carried import FILE, ITEM, OWN, USER, Role, carried_columns, roles_of
from webapp.archives.encoding import WrongRow
from webapp.core.custom import PREFIX
from webapp.core.database import Model, key_of
from webapp.core.parameters import filter_parameters
from webapp.core.resource import Resource, registry
from webapp.core.tenancy import references
from webapp.faces.saved_views import canonical, values_of

NOBODY = 0
OWNER = -1
"""Among the old accounts' ids: whoever owns the new organization."""
LOG = "activity"
LOST = "%d/00/000000000000000000000000000000"
"""The key of a file that the archive does not hold, where a row must have one."""
CARRIED_KINDS = {"person_id": "persons", "location_id": "locations", "asset_id": "assets", "customer_id": "customers"}
"""What the ids lead to that rows of imports keep for features above."""
STOPPED = {"checking": "failed", "applying": "applied", "undoing": "applied"}
"""Where an import stands whose job stays behind."""
LONGEST_VIEW = 255
Row = dict[str, Any]


@dataclass
class Remapper:
    """What became of the ids, accounts and files of an archive."""

    organization: tuple[int, int]
    """The organization's own id, as the archive says it (0 when it does not) and as it is now."""
    ids: Mapping[str, Mapping[int, int]]
    users: Mapping[int, int]
    files: Mapping[str, str]
    resources: Mapping[tuple[str, int], str]
    """{(table, old id): resource} of the rows that say what other rows' ids lead to."""
    taken: set[tuple[Any, ...]] = field(default_factory=set)

    def turn(self, table: Table) -> Callable[[Row], Row | None]:
        """Return what turns a decoded row of a table into one to insert, None when it stays behind; raises WrongRow."""
        steps = [
            (column.name, bool(column.nullable), roles_of(table)[column.name]) for column in carried_columns(table)
        ]
        steps = [step for step in steps if step[2].kind != "plain" and not (table.name == LOG and step[2] == OWN)]
        special = SPECIAL.get(table.name)
        customized = "custom" in table.c

        def turned(row: Row) -> Row | None:
            items = {name: self._item(table.name, row) for name, _nullable, role in steps if role == ITEM}
            if special is not None and special(self, row) is None:
                return None
            for name, nullable, role in steps:
                row[name] = items[name] if role == ITEM else self._value(table, name, role, row[name], nullable)
                if role == USER and row[name] is None and not nullable:
                    return None
            if customized:
                row["custom"] = self._custom(row["custom"])
            return row

        return turned

    def _value(self, table: Table, name: str, role: Role, value: Any, nullable: bool) -> Any:
        if value is None:
            return None
        if role == OWN:
            return self.ids[table.name][value]
        if role == USER:
            return self.users.get(value)
        if role == FILE:
            return self.files.get(value, None if nullable else LOST % self.organization[1])
        if role.kind == "twin" and value == 0:
            return 0
        found = self.ids.get(role.target, {}).get(value)
        if found is None:
            raise WrongRow(f"{name} leads to what the archive does not hold")
        return found

    def _item(self, table: str, row: Row) -> int | None:
        """Return the new id of what a row is about, whose table another of its columns tells."""
        if table in ("activity", "import_kept"):
            return self.item(row["item_type"], row["item_id"])
        if table == "custom_values":
            resource = self.resources.get(("custom_fields", row["field_id"]), "")
            found = self._of(resource, row["row_id"])
            if found is None:
                raise WrongRow("row_id leads to what the archive does not hold")
            return found
        return self._of(self.resources.get(("imports", row["import_id"]), ""), row["item_id"])

    def _of(self, resource: str, row_id: int | None) -> int | None:
        known = registry.resources.get(resource)
        return None if known is None or row_id is None else self.ids.get(known.table.name, {}).get(row_id)

    def item(self, item_type: str, item_id: int) -> int:
        """Return the new id of a thing that the history names, 0 for what is not carried."""
        if item_type == "organizations":
            return self.organization[1]
        if item_type == "users":
            return self.users.get(item_id, NOBODY)
        return self.ids.get(item_type, {}).get(item_id, NOBODY)

    def _custom(self, values: Any) -> Row:
        if not isinstance(values, dict):
            raise WrongRow("custom holds what it cannot")
        fields = self.ids.get("custom_fields", {})
        found = {fields.get(int(key)) if key.isascii() and key.isdecimal() else None: v for key, v in values.items()}
        if None in found:
            raise WrongRow("custom names a field that the archive does not hold")
        return {str(key): value for key, value in found.items()}

    # What single tables need beside

    def _line(self, row: Row) -> Row:
        """Turn the ids among a line's old and new values, and the fields in their names."""
        leads = leads_of(row["item_type"])
        turned = {}
        for name, pair in row["changes"].items():
            if not isinstance(pair, list) or len(pair) != 2:
                raise WrongRow("changes holds what it cannot")
            own = name.removeprefix(PREFIX)
            if name.startswith(PREFIX):
                if not (own.isascii() and own.isdecimal()):
                    raise WrongRow("changes holds what it cannot")
                name = f"{PREFIX}{self.ids.get('custom_fields', {}).get(int(own), NOBODY)}"
            elif name in leads:
                known = self.ids.get(leads[name], {})
                pair = [known.get(old, NOBODY) if isinstance(old, int) else old for old in pair]
            elif name.endswith("user_id"):
                pair = [self.users.get(old, NOBODY) if isinstance(old, int) else old for old in pair]
            turned[name] = pair
        row["changes"] = turned
        return row

    def _import(self, row: Row) -> Row:
        """Turn the things that an undo kept, and end what a job would have ended."""
        if not all(isinstance(item, dict) and isinstance(item.get("item_id"), int) for item in row["kept"]):
            raise WrongRow("kept holds what it cannot")
        row["kept"] = [
            item | {"item_id": self.item(str(item.get("item_type")), item["item_id"])} for item in row["kept"]
        ]
        row["state"] = STOPPED.get(row["state"], row["state"])
        return row

    def _import_row(self, row: Row) -> Row:
        """Turn the ids of whom and what a row of an import names."""
        if not isinstance(row["carried"], dict) or not all(isinstance(kept, dict) for kept in row["carried"].values()):
            raise WrongRow("carried holds what it cannot")
        for kept in row["carried"].values():
            for name, resource in CARRIED_KINDS.items():
                if name in kept:
                    kept[name] = self._of(resource, kept[name]) if isinstance(kept[name], int) else None
        return row

    def _view(self, row: Row) -> Row | None:
        """Turn the ids that a view filters by; shared views of others become the owner's, their own stay behind."""
        mine = row["user_id"] in self.users
        if not mine and not (row["is_shared"] and row["name"]):
            return None
        resource = registry.resources.get(row["resource"])
        if resource is not None:
            row["query"] = canonical(dict(self._filters(resource, values_of(row["query"]))))
        row["user_id"] = row["user_id"] if mine else OWNER
        if row["deleted_at"] is None:
            self._name_view(row)
        return row

    def _filters(self, resource: Resource, values: Mapping[str, str]) -> Iterable[tuple[str, str]]:
        known = filter_parameters(resource)
        for name, raw in values.items():
            field_name = known.get(name, (name, ""))[0]
            item = resource.fields.get(field_name)
            target = resource.name if field_name == "id" else item.target if item is not None else None
            if name not in known or not target or known[name][1] == "empty":
                yield name, raw
                continue
            ids = [self._of(str(target), int(part)) for part in raw.split(",") if part.isascii() and part.isdecimal()]
            if any(ids):
                yield name, ",".join(str(found) for found in ids if found)

    def _name_view(self, row: Row) -> None:
        """Give a view a name that no other one of the owner's list has."""
        name, number = row["name"], 1
        while (row["resource"], row["name_key"]) in self.taken:
            number += 1
            row["name"] = f"{name[: LONGEST_VIEW - 5]} ({number})"
            row["name_key"] = key_of(row["name"])
        self.taken.add((row["resource"], row["name_key"]))


@lru_cache(maxsize=256)
def leads_of(item_type: str) -> Mapping[str, str]:
    """Return {column: table it leads to} of the things that a line is about."""
    table = Model.metadata.tables.get(item_type)
    return {} if table is None else {name: target.name for name, target in references(table).items()}


SPECIAL: Mapping[str, Callable[[Remapper, Row], Row | None]] = {
    "activity": Remapper._line,
    "import_rows": Remapper._import_row,
    "imports": Remapper._import,
    "saved_views": Remapper._view,
}
