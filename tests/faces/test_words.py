"""Words as a language wants them: counted, in their own order, in the reader's language."""

import re

import pytest
from flask_babel import force_locale

from tests.rows import add
from webapp.core.jobs import job_title
from webapp.faces.rendering import Renderer
from webapp.imports.presenting import counted


@pytest.fixture
def german(client):
    client.post("/profile", data={"name": "Olive Owner", "locale": "de", "timezone": "", "theme": "system"})
    return client


def card(page, title):
    found = re.search(rf"<h2[^>]*>{title}</h2>.*?</ul>", page, re.DOTALL)
    assert found, page
    return found.group()


def test_one_deleted_thing_was_deleted_and_not_were(client, context):
    place = add(context, "locations", name="Lisbon")
    context.session.commit()

    client.post("/locations/bulk/delete", data={"id": [place], "step": "apply"})

    assert "1 place was deleted" in client.get("/locations").text


def test_the_dashboard_tells_in_the_order_of_the_language(german, context):
    add(context, "manufacturers", name="<b>Sony</b>")
    context.session.commit()

    lately = card(german.get("/").text, "Zuletzt")

    assert re.search(r"</b> hat <a href=\"/manufacturers/\d+\">&lt;b&gt;Sony&lt;/b&gt;</a> hinzugefügt", lately)


def test_currencies_are_named_in_the_language_of_the_reader(german):
    page = german.get("/settings/organization").text

    assert "CHF, Schweizer Franken" in page
    assert "Swiss Franc" not in page


def test_kinds_of_places_are_named_in_the_language_of_the_reader(german, context):
    shelf = add(context, "locations", name="Fach", kind="bin")
    context.session.commit()

    answer = german.post("/locations/new", data={"name": "Halle", "kind": "site", "parent_id": shelf})

    assert "Standort in Fach" in answer.get_data(as_text=True)


@pytest.mark.parametrize(("language", "share"), [("en", "33%"), ("de", "33\u00a0%"), ("es", "33\u00a0%")])
def test_a_share_stands_as_the_language_writes_it(app, context, language, share):
    with app.test_request_context(), force_locale(language):
        assert Renderer(context).share(1, 3) == share


def test_a_job_has_a_name_in_the_language_of_the_reader(app):
    with app.test_request_context(), force_locale("de"):
        assert job_title("import_undo") == "Rückgängigmachen eines Imports"
        assert job_title("something_new") == "Arbeit im Hintergrund"


@pytest.mark.parametrize(("number", "said"), [(1, "1 creado"), (2, "2 creados")])
def test_what_an_import_did_is_counted_in_words_that_agree(app, context, number, said):
    with app.test_request_context(), force_locale("es"):
        assert counted(Renderer(context), {"created": number}, ("created",)) == [said]
