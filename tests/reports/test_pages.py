"""The pages of exports: from a list to a schedule, progress, files, and workbooks that take their time."""

import html
import re
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.clients import PageClient
from tests.markup import Page
from tests.reports.conftest import Exporter
from webapp.core.jobs import JOBS
from webapp.faces import export
from webapp.reports.models import EXPORTS, RUNS


def read(client: PageClient, path: str, status: int = 200) -> Page:
    answer = client.get(path)
    assert answer.status_code == status, answer.get_data(as_text=True)
    return Page(answer)


def ways(client: PageClient, path: str) -> dict[str, str]:
    """Return {words: address} of a list's export menu."""
    menu = read(client, path).html.partition('id="exports"')[2].partition("</details>")[0]
    found = re.findall(r'<a class="" href="([^"]+)"[^>]*>.*?</svg>([^<]+)</a>', menu)
    return {html.unescape(words): html.unescape(url) for url, words in found}


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take two rows for many."""
    monkeypatch.setattr(export, "AT_ONCE", 2)


def test_a_list_offers_its_formats_and_a_schedule_that_is_filled_with_it(client: PageClient, exporter: Exporter):
    found = ways(client, "/manufacturers?name_not=Nikon&sort=-name&page=1&fields=name,url")

    page = read(client, found["Schedule…"])

    files = ["CSV, as shown", "Excel workbook, as shown", "CSV, every column", "JSON lines, every column"]
    assert list(found)[:4] == files
    assert page.form["resource"][-1] == "manufacturers"
    assert page.form["query"][-1] == "name_not=Nikon&sort=-name"
    assert page.form["fields"][-1].split() == ["name", "url"]
    for words in ("The list in words", "not Nikon", "Name ↓", "Name, Website"):
        assert words in page.text, words


def test_a_bare_day_is_the_readers_when_it_is_scheduled(client: PageClient, exporter: Exporter):
    url = ways(client, "/manufacturers?created_after=2026-01-10")["Schedule…"]

    assert parse_qs(urlsplit(url).query)["query"] == ["created_after=2026-01-10T23%3A59%3A59.999Z"]


def test_a_schedule_is_saved_run_and_its_file_fetched(client: PageClient, exporter: Exporter):
    page = read(client, ways(client, "/manufacturers?sort=name")["Schedule…"])
    saved = client.post("/exports/new", data=page.form | {"receivers": "ann@example.org\nops@example.org"})
    detail = saved.location
    asked = read(client, f"{detail}/run")
    client.post(f"{detail}/run", data=asked.forms[f"{detail}/run"])
    running = read(client, detail)
    polled = client.get(f"{detail}/progress", headers={"HX-Request": "true"})
    exporter.work()

    done = read(client, detail)

    assert "You can leave this page, the work goes on." in running.text
    assert "/undo" not in running.html.partition('id="toasts"')[2].partition("</form>")[0]
    assert (polled.status_code, "hx-get" in polled.get_data(as_text=True)) == (200, True)
    ended = client.get(f"{detail}/progress", headers={"HX-Request": "true"})
    assert (ended.status_code, ended.headers["HX-Refresh"]) == (204, "true")
    assert "3 rows" in done.text
    assert "Runs with the rights of Olive Owner" in done.text
    link = html.unescape(re.search(r'href="([^"]+/file\?run=\d+)"', done.html)[1])
    answer = client.get(link)
    assert (answer.status_code, answer.mimetype) == (200, "text/csv")
    assert answer.headers["Content-Security-Policy"].startswith("sandbox")


def test_a_wrong_address_comes_back_with_what_was_typed(client: PageClient, exporter: Exporter):
    page = read(client, ways(client, "/manufacturers")["Schedule…"])

    answer = Page(client.post("/exports/new", data=page.form | {"receivers": "nobody"}))

    assert "“nobody” is not an e-mail address." in answer.text
    assert answer.form["receivers"][-1] == "nobody"
    assert exporter.stored(EXPORTS) == []


def test_the_list_says_when_to_whom_and_with_what_result(client: PageClient, exporter: Exporter):
    exporter.run(exporter.save(schedule="weekly", weekday="friday", hour=18, receivers=["ops@example.org"]))

    text = read(client, "/exports").text

    for words in ("Friday at 18:00", "ops@example.org", "Made", "Manufacturers"):
        assert words in text, words


def test_a_failure_says_why(client: PageClient, exporter: Exporter):
    row_id = exporter.save()
    exporter.set(EXPORTS, row_id, query="nothing=1")
    exporter.run(row_id)

    text = read(client, f"/exports/{row_id}").text

    assert "The last run failed. Nobody was mailed." in text
    assert "“nothing”: There is no such filter here." in text


def test_a_long_workbook_is_made_in_the_background(client: PageClient, exporter: Exporter, short: None):
    url = ways(client, "/manufacturers?sort=name")["Excel workbook, as shown"]
    sent = client.get(url)
    page = read(client, sent.location)

    first, second = (client.post("/exports/large", data=page.forms["/exports/large"]) for _ in range(2))
    exporter.work()

    assert (sent.status_code, first.location) == (303, second.location)
    (run,) = exporter.stored(RUNS)
    assert run["rows"] == 3
    assert f"run={run['id']}" in read(client, first.location).html
    assert client.get("/manufacturers/export.xlsx?name=Sony").mimetype == export.XLSX


def test_who_may_not_have_exports_made_is_told_what_else_to_do(as_role, exporter: Exporter, short: None):
    page = read(as_role("member"), "/manufacturers/export.xlsx", 413)

    assert "Take CSV, or narrow the list." in page.text
    assert "Schedule…" not in ways(as_role("technician"), "/manufacturers")
    sent = as_role("technician").get("/manufacturers/export.xlsx")
    assert sent.location.startswith("/exports/large?")


@pytest.mark.parametrize("query", ["", "?resource=nothing", "?resource=assets&query=nonsense", "?resource=exports"])
def test_a_long_workbook_of_nothing_is_nowhere(client: PageClient, exporter: Exporter, query):
    answer = client.get(f"/exports/large{query}")

    assert answer.status_code == (400 if "nonsense" in query else 303)
    assert exporter.stored(JOBS) == []


def test_the_page_of_a_workbook_keeps_to_what_one_may_read(as_role, exporter: Exporter):
    technician = as_role("technician")
    read(technician, "/exports")

    assert technician.get("/exports/large?resource=api-keys").status_code in {303, 403}
    answer = technician.post("/exports/large", data={"resource": "members", "query": ""})

    assert answer.status_code == 403
    assert exporter.stored(EXPORTS) == []
