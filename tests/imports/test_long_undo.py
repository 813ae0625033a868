"""The journey that issue 4 asks for: 14,000 rows applied, 3 of them edited by hand, all the others taken back."""

from sqlalchemy import func, select

from tests.clients import PageClient
from tests.imports.conftest import Importer
from webapp.core.resource import registry
from webapp.core.tenancy import CHECKED, scoped
from webapp.core.writes import create, update
from webapp.imports import rules, standing

ROWS, THERE = 14_000, 2_000


def sheet(numbers: range, word: str, serial: str = "") -> str:
    return "Tag,Name,Category,Serial\n" + "".join(f"T-{n:05d},{word} {n},Tools,{serial}{n}\n" for n in numbers)


def assets(importer: Importer) -> dict[str, tuple[str, str, int]]:
    """Return {tag: (name, serial number, id)} of all that live."""
    with importer.organization.context(write=False) as context:
        table = registry.resources["assets"].table
        query = select(table.c.tag, table.c.name, table.c.serial_number, table.c.id)
        query = query.where(scoped(context.session, table), table.c.deleted_at.is_(None))
        return {row[0]: tuple(row[1:]) for row in context.session.execute(query, execution_options=CHECKED)}


def test_undo_of_14000_rows_takes_13997_back_and_tells_of_3(importer: Importer, client: PageClient):
    with importer.organization.context() as context:
        create(context, registry.resources["categories"], {"name": "Tools", "kind": "asset"})
        context.session.commit()
    importer.do(rules.apply, importer.upload(sheet(range(THERE), "Old", "S")))
    before = assets(importer)
    second = importer.upload(sheet(range(ROWS), "New", "N"))
    importer.do(rules.apply, second)
    assert importer.get(second)["counts"] == {"update": 2_000, "create": 12_000, "updated": 2_000, "created": 12_000}
    edited = {"T-00007": {"name": "Mine"}, "T-05000": {"notes": "ours"}, "T-13999": {"name": "Hers"}}
    with importer.organization.context() as context:
        for tag, patch in edited.items():
            update(context, registry.resources["assets"], assets(importer)[tag][2], patch)
        context.session.commit()

    importer.do(rules.undo, second)

    row, after = importer.get(second), assets(importer)
    assert row["counts"]["restored"] == 1_999
    assert row["counts"]["removed"] == 11_998
    assert row["counts"]["kept"] == 3
    assert [item["name"] for item in row["kept"]] == ["T-13999", "T-05000", "T-00007"]
    assert [item["fields"] for item in row["kept"]] == [["name"], ["notes"], ["name"]]
    assert after.keys() - before.keys() == {"T-05000", "T-13999"}
    assert {tag: found for tag, found in before.items() if after[tag] != found} == {"T-00007": before["T-00007"]}
    assert after["T-00007"] == ("Mine", "S7", before["T-00007"][2]), "the serial number went back, the name stays"
    told = client.get(f"/imports/{second}").text
    assert "11,998 removed, 1,999 restored, 3 kept: touched since" in told
    assert client.get(f"/imports/{second}/kept.csv").text.count("It was changed since.") == 3
    with importer.organization.context(write=False) as context:
        kept = (
            select(func.count()).select_from(standing.IMPORT_KEPT).where(scoped(context.session, standing.IMPORT_KEPT))
        )
        assert context.session.execute(kept, execution_options=CHECKED).scalar() == 3
