"""The benchmark's own parts: its arithmetic, and that the data it builds is what the program writes."""

import subprocess
import sys
from contextlib import contextmanager

import pytest
from sqlalchemy import create_engine, text

from tests.bench import check, copies, data, pattern, server
from tests.bench.load import Load
from tests.bench.verdicts import Figure, median, percentile, ratio, table
from tests.postgres_cluster import DatabaseUrls
from webapp.core.database import db
from webapp.core.tenancy import CHECKED, new_session
from webapp.schema.migrate import upgrade


def test_the_median_is_in_the_middle_and_between_two_of_an_even_number():
    assert median([9, 1, 5]) == 5
    assert median([4, 1, 2, 100]) == 3
    with pytest.raises(ValueError, match="nothing"):
        median([])


def test_a_percentile_is_a_value_that_was_measured():
    assert percentile(range(1, 101), 0.95) == 95
    assert percentile([7], 0.95) == 7
    assert percentile([1, 2, 3, 4], 0.5) == 2


def test_a_ratio_is_the_median_of_the_rounds_not_of_the_rates():
    # The machine was ten times as slow in the second round, for both.
    assert ratio([30, 3, 40], [100, 10, 100]) == 0.3


def test_a_figure_says_whether_its_bound_is_reached():
    assert Figure("list", 0.30, least=0.30).is_good
    assert not Figure("list", 0.29, least=0.30).is_good
    assert not Figure("memory", 121, most=120).is_good
    assert "MISSED" in table([Figure("memory", 121, "MB", most=120)])
    assert Figure("p95", 2.5, most=2).plain() == {"name": "p95", "value": 2.5, "unit": "", "most": 2, "ok": False}


def test_the_server_is_started_as_bin_run_does():
    script = server.script_of_bin_run("bench:app")

    assert "granian bench:app --interface wsgi" in script
    assert "export WEB_WORKERS=" in script
    assert script.count("granian") == 1


def test_what_is_seen_counts_good_answers_within_the_time_and_refusals_that_say_when():
    load = Load({"host": "", "port": 0, "requests": [], "connections": 0, "seconds": 2, "patience": 1})
    load.sent = 4
    load.answers = [
        (0.5, 0.1, 200, False),
        (1.9, 0.3, 200, False),
        (1.9, 1.4, 200, False),
        (2.5, 0.9, 200, False),
        (1.0, 0.01, 503, True),
    ]

    seen = load.seen()

    assert seen["good_a_second"] == 1
    assert seen["statuses"] == {"200": 4, "503": 1}
    assert (seen["refused"], seen["refused_with_retry_after"]) == (1, 1)


def test_shares_of_a_million():
    assert data.sizes(1_000_000) == [750_000, 140_000, 100_000, 9_000, 1_000]


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """Two hundred assets on SQLite, all but twenty of an organization copied."""
    folder = tmp_path_factory.mktemp("bench")
    urls = DatabaseUrls(f"sqlite:///{folder / 'few.sqlite3'}")
    upgrade(urls.url)
    app = data.open_app(urls, folder)
    with pytest.MonkeyPatch.context() as patched, app.app_context():
        patched.setattr(pattern, "PATTERN", 20)
        households = [pattern.found("Ashgrove", 150), pattern.found("Birchwood", 50)]
        engine = create_engine(urls.url)
        with engine.begin() as connection:
            copies.multiply(connection, households)
        engine.dispose()
        yield households
        db.engine.dispose()


def test_copies_are_what_the_program_writes(few):
    for household in few:
        check.check_copies(household)


@pytest.mark.parametrize(
    "drift",
    [
        "UPDATE assets SET search_text = replace(search_text, 'rack-', 'rock-')",
        "UPDATE assets SET warranty_expires_on = NULL",
        "UPDATE assets SET custom = json_set(custom, '$.\"1\"', 'RACK-0000001')",
        "UPDATE custom_values SET int_value = int_value + 1 WHERE int_value IS NOT NULL",
        "DELETE FROM custom_values WHERE date_value IS NOT NULL",
        "UPDATE resource_totals SET total = total + 1 WHERE item_type = 'assets'",
    ],
)
def test_data_that_has_drifted_from_the_program_is_refused(few, drift, monkeypatch):
    @contextmanager
    def drifted(*given, **named):
        with new_session(*given, **named) as session:
            session.execute(text(drift), execution_options=CHECKED)
            yield session

    monkeypatch.setattr(check, "new_session", drifted)

    with pytest.raises(check.Drifted):
        check.check_copies(few[0])


def test_the_help_names_every_check():
    done = subprocess.run([sys.executable, "-m", "tests.bench", "--help"], capture_output=True, text=True, check=True)

    for name in ("limit", "flat", "sync", "fairness", "overload", "writers"):
        assert name in done.stdout
    assert "--quick" in done.stdout
