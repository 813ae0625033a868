import email
import email.policy
import io
import json
import stat

import pytest
from aiosmtpd.controller import Controller
from flask import Flask

from tests.processes import free_port
from webapp.core.errors import NotFound
from webapp.core.files import store
from webapp.edge import mail


def make_app(url):
    app = Flask("mail")
    app.config.update(MAIL_URL=url, MAIL_FROM="Quartermaster <qm@example.org>", BASE_URL="https://qm.example.org")
    mail.init_app(app)
    return app


@pytest.fixture
def folder(tmp_path):
    with make_app(f"file://{tmp_path}/mail").app_context():
        yield tmp_path / "mail"


def read(path):
    return email.message_from_bytes(path.read_bytes(), policy=email.policy.default)


def test_mail_is_a_readable_file_by_default(folder):
    mail.send(["ann@example.org"], "Größe", "Plain words.", "<p>Rich words.</p>")

    (file,) = folder.iterdir()
    message = read(file)
    assert file.suffix == ".eml"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert (message["To"], message["Subject"]) == ("ann@example.org", "Größe")
    assert message.get_body(("plain",)).get_content().strip() == "Plain words."
    assert message.get_body(("html",)).get_content().strip() == "<p>Rich words.</p>"


def test_a_subject_cannot_add_a_header(folder):
    mail.send(["ann@example.org"], "Hello\r\nBcc: eve@example.org\u2028X: y", "Text")

    message = read(next(folder.iterdir()))
    assert message["Bcc"] is None
    assert message["Subject"] == "Hello Bcc: eve@example.org X: y"


@pytest.mark.parametrize(
    "address",
    ["a@b.example\nBcc: c@d.example", "a@b.example, c@d.example", "Ann <a@b.example>", "nobody", "", "a b@c.example"],
)
def test_a_receiver_must_be_one_plain_address(folder, address):
    with pytest.raises(ValueError, match="is not a mail address"):
        mail.letter([address], "Hello", "Text")


def test_a_job_that_runs_again_leaves_one_message(folder):
    payload = mail.letter(["ann@example.org"], "Hello", "Text")

    mail.deliver(payload)
    mail.deliver(payload)

    assert len(list(folder.iterdir())) == 1


def test_smtp_takes_the_message():
    class Sink:
        def __init__(self):
            self.got = []

        async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
            self.got.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
            return "250 OK"

    sink = Sink()
    port = free_port()
    controller = Controller(sink, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        with make_app(f"smtp://127.0.0.1:{port}").app_context():
            mail.send(["ann@example.org"], "Hello", "Text")
    finally:
        controller.stop()

    ((sender, receivers, content),) = sink.got
    assert (sender, receivers) == ("qm@example.org", ["ann@example.org"])
    assert b"Subject: Hello" in content


def test_a_server_that_is_away_is_an_error():
    with make_app("smtp://127.0.0.1:1").app_context(), pytest.raises(OSError, match="refused"):
        mail.send(["ann@example.org"], "Hello", "Text")


@pytest.mark.parametrize("url", ["", "mail.example.org", "ftp://example.org", "smtp://"])
def test_a_senseless_mail_url_stops_the_start(url):
    with pytest.raises(ValueError, match="MAIL_URL"):
        make_app(url)


def test_a_login_to_smtp_goes_through_tls():
    app = make_app("smtp://user%40x:p%3Aw@mail.example.org")

    assert (app.config["MAIL_PORT"], app.config["MAIL_USE_TLS"]) == (587, True)
    assert (app.config["MAIL_USERNAME"], app.config["MAIL_PASSWORD"]) == ("user@x", "p:w")


def test_a_stored_file_is_attached_byte_for_byte(tmp_path):
    app = make_app(f"file://{tmp_path}/mail")
    app.config["STORAGE_URL"] = f"file://{tmp_path}/files"
    content = b"\xef\xbb\xbfName\r\nGr\xc3\xb6\xc3\x9fe\n"
    with app.app_context():
        stored = store().save(io.BytesIO(content), 7)
        file = {"key": stored.key, "name": "list.csv", "type": "text/csv"}
        payload = mail.letter(["ann@example.org"], "Hello", "Text", files=[file])
        mail.deliver(payload, 7)
        with pytest.raises(NotFound):
            mail.deliver(payload, 8)

    (part,) = read(next((tmp_path / "mail").iterdir())).iter_attachments()
    assert (part.get_filename(), part.get_content_type()) == ("list.csv", "text/csv")
    assert part.get_payload(decode=True) == content
    assert len(json.dumps(payload)) < 500
