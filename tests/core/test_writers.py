"""Many who write at the same moment: each waits its turn, none is told that the database is busy."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from tests.households import Household, found_organization
from tests.rows import at_once
from webapp.core import database as core_database

WRITERS, TURNS = 20, 3


def test_twenty_writers_at_once_all_get_their_turn(organization: Household):
    api = organization.api_client()
    category = api.post("categories", {"name": "Things", "kind": "asset"}).json["data"]["id"]
    clients = [organization.api_client() for _ in range(WRITERS)]

    def write(number: int) -> list[int]:
        patches = [{"category_id": category, "name": f"{number} {turn}"} for turn in range(TURNS)]
        return [clients[number].post("assets", patch).status_code for patch in patches]

    answers = at_once(*(lambda number=number: write(number) for number in range(WRITERS)))

    assert [answer.result(30) for answer in answers] == [[201] * TURNS] * WRITERS
    tags = {asset["tag"] for asset in api.get("assets?per_page=1000").json["data"]}
    assert len(tags) == WRITERS * TURNS


def test_who_waits_for_the_lock_of_sqlite_leaves_connections_for_who_has_the_turn(app, new_app, database, monkeypatch):
    if database.url.startswith("postgresql"):
        return  # there nobody waits with a connection for all others
    monkeypatch.setattr(core_database, "aside", core_database.aside)
    line = new_app(database, Path(app.config["INSTANCE_DIR"]), WEB_QUEUE="64")
    organization = found_organization(line)
    clients = [organization.api_client() for _ in range(WRITERS)]
    with ThreadPoolExecutor(WRITERS) as pool, organization.context() as another:
        another.session.connection()  # somebody writes in another process
        asked = [
            pool.submit(client.post, "categories", {"name": f"{n}", "kind": "asset"})
            for n, client in enumerate(clients)
        ]
        with suppress(TimeoutError):
            asked[0].result(1)
        another.session.rollback()

        assert [answer.result(20).status_code for answer in asked] == [201] * WRITERS
