"""A forgotten password and an invitation from end to end: real web server, real worker, real SMTP."""

import http.cookiejar
import re
import urllib.error
import urllib.parse
import urllib.request

import pytest

from tests.households import unique
from tests.letterbox import LetterBox, link_in, text_of

ANOTHER = "a wholly different sentence"


class Browser:
    """A browser without scripts, over the wire."""

    def __init__(self):
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))

    def open(self, url, data=None):
        """Return (status, address it ended at, page)."""
        request = urllib.request.Request(url, data=data and urllib.parse.urlencode(data).encode())
        request.add_header("Sec-Fetch-Site", "same-origin")
        try:
            with self.opener.open(request, timeout=30) as answer:
                return answer.status, answer.url, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.url, error.read().decode()

    def send(self, url, at=None, **data):
        """Fill in a form that a page shows, and send it."""
        _status, _url, page = self.open(url)
        hidden = dict(re.findall(r'<input type="hidden" name="(csrf_token|token|next)" value="([^"]*)"', page))
        hidden |= dict(
            re.findall(r'<input id="(?:nonce|csrf_token|base)" name="(\w+)" type="hidden" value="([^"]*)"', page)
        )
        return self.open(at or url, hidden | data)


@pytest.fixture(scope="module")
def box():
    found = LetterBox()
    yield found
    found.close()


@pytest.fixture(scope="module")
def server(new_live_server, box):
    return new_live_server(MAIL_URL=box.url, MAIL_FROM="Quartermaster <qm@kestrel.example>")


def test_a_forgotten_password_is_replaced_by_a_letter(server, box):
    _slug, email, password = server.found_organization()
    browser = Browser()

    _status, url, page = browser.send(f"{server.url}/forgot", email=email)
    assert (url.rpartition("/")[2], "a letter is on its way" in page) == ("forgot?sent=1", True)
    letter = box.wait_for(email)
    assert letter["From"] == "Quartermaster <qm@kestrel.example>"
    link = link_in(letter)
    assert link.startswith(f"{server.url}/reset?token=")
    assert link in text_of(letter, "html")

    assert browser.send(link, at=f"{server.url}/reset", password=ANOTHER)[0] == 200
    assert browser.open(link)[0] == 404
    assert browser.send(f"{server.url}/login", email=email, password=password)[0] == 401
    assert browser.send(f"{server.url}/login", email=email, password=ANOTHER)[1] == f"{server.url}/"


def test_an_invitation_lets_somebody_in_by_a_letter(server, box):
    _slug, email, password = server.found_organization("Kestrel Field Research")
    owner, guest = Browser(), f"{unique('rui')}@example.org"
    owner.send(f"{server.url}/login", email=email, password=password)

    assert owner.send(f"{server.url}/members/invite", email=guest, name="Rui Ramos", role="technician")[0] == 200
    letter = box.wait_for(guest)
    assert "invites you to Kestrel Field Research" in letter["Subject"]
    browser = Browser()
    _status, url, page = browser.send(
        link_in(letter), at=f"{server.url}/invitation", name="Rui Ramos", password=ANOTHER
    )

    assert url == f"{server.url}/"
    assert "Kestrel Field Research" in page
    assert "Technician" in page
    members = owner.open(f"{server.url}/members")[2]
    assert guest in members
    assert "Invitations" not in members
    assert browser.open(link_in(letter))[0] == 404
