"""Many who write at the same moment: each waits its turn, none is told that the database is busy."""

from tests.households import Household
from tests.rows import at_once

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
