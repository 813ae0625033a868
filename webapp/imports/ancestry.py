"""Rows of a file that name each other: which must come first, and which go round in a circle."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from webapp.core.database import key_of
from webapp.core.resource import Resource
from webapp.imports.lookups import TIGHT, is_tree, turned
from webapp.imports.reading import RowReader
from webapp.imports.targets import PERSON_PARTS, targets_of
from webapp.imports.unreadable import Cell, RawRow

NAMED_BY = {
    "persons": ("name", "email", "username", "employee_number"),
    "locations": ("name", "code"),
    "assets": ("tag", "serial_number"),
}


class Ancestry:
    """How deep each row of a file stands below others of it: 0 for those that name none."""

    def __init__(self, resource: Resource, mapped: Iterable[str]) -> None:
        targets = targets_of(resource)
        above = {n for n, target in targets.items() if target.refers_to == resource.name}
        self.resource, self.targets = resource, targets
        self.above = tuple(n for n in mapped if n in above or (n in targets and targets[n].part_of in above))
        self.depths: dict[int, int] = {}
        self.circular: set[int] = set()

    @property
    def matters(self) -> bool:
        """Tell whether the file's rows may name each other at all."""
        return bool(self.above)

    def survey(self, reader: RowReader, rows: Iterable[RawRow]) -> None:
        """Look through all rows for who names whom."""
        own = NAMED_BY.get(self.resource.name, (self.resource.label,))
        called: defaultdict[str, list[int]] = defaultdict(list)
        names: dict[int, set[str]] = {}
        for number, cells in rows:
            texts = reader.texts(cells, (*own, "first_name", "last_name", *self.above))
            whole = " ".join(texts[part] for part in ("first_name", "last_name") if part in texts)
            for key in {key_of(text) for text in (*(texts.get(name, "") for name in own), whole) if text}:
                called[key].append(number)
            above = self._names_above(texts)
            if above:
                names[number] = above
        waits = {n: {other for key in keys for other in called.get(key, ()) if other != n} for n, keys in names.items()}
        self._measure({number: others for number, others in waits.items() if others})

    def in_order(self, rows: Iterable[RawRow]) -> Iterator[RawRow]:
        """Yield the rows so that each comes after those that it names, and else in their order."""
        later: defaultdict[int, list[RawRow]] = defaultdict(list)
        for row in rows:
            depth = self.depths.get(row[0], 0)
            if depth:
                later[depth].append(row)
            else:
                yield row
        for depth in sorted(later):
            yield from later.pop(depth)

    def named_by(self, reader: RowReader, cells: list[Cell]) -> set[str]:
        """Return the keys of what one row names of its own kind."""
        return self._names_above(reader.texts(cells, self.above))

    def _names_above(self, texts: dict[str, str]) -> set[str]:
        """Return the keys of what a row names of its own kind: of a path its end."""
        found = {key_of(way) for name in self.above if name in texts for way in (texts[name], turned(texts[name]))}
        for name in {self.targets[name].part_of or name for name in self.above}:
            parts = (texts.get(f"{name}.{part}", "") for part in list(PERSON_PARTS)[:2])
            found.add(key_of(" ".join(part for part in parts if part)))
        if is_tree(self.resource.name):
            found |= {key_of(TIGHT.split(text)[-1]) for text in found if text}
        return found - {""}

    def _measure(self, waits: dict[int, set[int]]) -> None:
        """Take away, layer by layer, the rows that wait for none that is left; what stays goes round in a circle."""
        followers: defaultdict[int, list[int]] = defaultdict(list)
        for number, others in waits.items():
            for other in others:
                followers[other].append(number)
        open_waits = {number: len(others) for number, others in waits.items()}
        layer, depth = [number for number in followers if number not in waits], 0
        while layer:
            depth += 1
            following = []
            for number in layer:
                for follower in followers[number]:
                    open_waits[follower] -= 1
                    if not open_waits[follower]:
                        self.depths[follower] = depth
                        following.append(follower)
            layer = following
        self.circular = {number for number, count in open_waits.items() if count}
