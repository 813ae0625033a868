import socket
import ssl
import subprocess
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic, sleep

import pytest

from webapp.edge.fetch import FetchError, FetchRefused, Opening, check_address, fetch, is_public

LOOPBACK = "127.0.0.1"


class Site(BaseHTTPRequestHandler):
    """A site that notes every request."""

    seen: list[tuple[str, str, bytes]]

    def do_GET(self):
        self.server.seen.append((self.path, self.headers["Host"], self.headers.get("X-Token")))
        status, headers, body = self.server.pages.get(self.path, (404, {}, b""))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        for part in [body] if isinstance(body, bytes) else body:
            self.wfile.write(part)

    def do_POST(self):
        self.server.pages["/post"] = (200, {}, self.rfile.read(int(self.headers["Content-Length"])))
        self.do_GET()

    def handle(self):
        with suppress(OSError):  # the client hangs up, as some tests make it do
            super().handle()

    def log_message(self, *_):
        pass


@pytest.fixture
def site():
    server = ThreadingHTTPServer((LOOPBACK, 0), Site)
    server.daemon_threads = True
    server.seen, server.pages = [], {"/": (200, {"Content-Type": "text/plain"}, b"hello")}
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def ask(site, path="/", host="site.example", **options):
    """Fetch from the site as if it were public."""
    options = {"resolver": lambda *_: [LOOPBACK], "allowed": lambda _: True} | options
    port = site.server_address[1]
    return fetch(f"http://{host}:{port}{path}", ports=frozenset({port}), **options)


def test_an_answer_comes_back_with_its_headers(site):
    answer = ask(site)

    assert (answer.status, answer.body, answer.headers["content-type"]) == (200, b"hello", "text/plain")


def test_the_checked_address_is_asked_under_the_name_that_was_given(site):
    ask(site, host="bücher.example")

    assert site.seen[0][1] == f"xn--bcher-kva.example:{site.server_address[1]}"


def test_a_name_is_resolved_once_so_that_it_cannot_change_after_the_check(site):
    answers = iter([[LOOPBACK]])

    assert ask(site, resolver=lambda *_: next(answers)).status == 200


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "192.0.0.8",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fc00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001:0:7f00:1::",
        "2001:db8::1",
    ],
)
def test_an_address_of_a_private_network_is_refused(address):
    assert not is_public(address)
    with pytest.raises(FetchRefused, match="public internet"):
        fetch("http://site.example/", resolver=lambda *_: [address])


@pytest.mark.parametrize("address", ["93.184.216.34", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_a_public_address_is_allowed(address):
    assert is_public(address)


def test_one_private_address_among_public_ones_is_enough_to_refuse():
    with pytest.raises(FetchRefused):
        fetch("http://site.example/", resolver=lambda *_: ["8.8.8.8", "10.0.0.1"])


@pytest.mark.parametrize(
    "url", ["http://2130706433/", "http://127.1/", "http://0x7f.1/", "http://localhost/", "http://[::1]/"]
)
def test_other_spellings_of_this_machine_are_refused(url):
    with pytest.raises(FetchRefused):
        fetch(url)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://site.example/",
        "gopher://site.example/",
        "//site.example/",
        "site.example",
        "http://",
        "",
        "http://user@site.example/",
        "http://user:pw@site.example/",
        "http://:@site.example/",
        "http://site.example:22/",
        "http://site.example:x/",
        "http://site.example\\@evil.example/",
        "http://site.example/a b",
        "http://site.example/\r\nX: y",
        "http://[::1/",
        "http://" + "a" * 64 + ".example/",
    ],
)
def test_an_address_that_is_no_plain_web_address_is_refused(url):
    with pytest.raises(FetchRefused):
        fetch(url, resolver=lambda *_: pytest.fail("looked it up"))


def test_a_redirect_is_followed(site):
    site.pages["/old"] = (302, {"Location": "/"}, b"")

    assert ask(site, "/old").body == b"hello"


def test_a_redirect_into_a_private_network_is_refused(site):
    site.pages["/old"] = (302, {"Location": f"http://inside.example:{site.server_address[1]}/"}, b"")
    hosts = {"site.example": LOOPBACK, "inside.example": "10.0.0.1"}

    with pytest.raises(FetchRefused):
        ask(site, "/old", resolver=lambda host, _: [hosts[host]], allowed=lambda address: address == LOOPBACK)


def test_a_redirect_to_another_scheme_is_refused(site):
    site.pages["/old"] = (302, {"Location": "file:///etc/passwd"}, b"")

    with pytest.raises(FetchRefused):
        ask(site, "/old")


def test_a_redirect_to_another_host_takes_no_headers_along(site):
    site.pages["/old"] = (302, {"Location": f"http://other.example:{site.server_address[1]}/"}, b"")

    ask(site, "/old", headers={"X-Token": "secret"})

    assert [token for _, _, token in site.seen] == ["secret", None]


def test_redirects_end_somewhere(site):
    site.pages["/round"] = (302, {"Location": "/round"}, b"")

    with pytest.raises(FetchError, match="too often"):
        ask(site, "/round")
    assert len(site.seen) == 4


def test_a_post_is_sent_and_its_redirect_is_not_followed(site):
    site.pages["/moved"] = (307, {"Location": "/"}, b"")

    assert ask(site, "/post", body=b"payload").body == b"payload"
    assert ask(site, "/moved", body=b"payload").status == 307


def test_a_long_answer_may_be_cut(site):
    site.pages["/large"] = (200, {}, b"x" * 101)

    assert ask(site, "/large", limit=100, cut=True).body == b"x" * 100


def test_an_operator_may_open_own_networks_on_any_port(site):
    url = f"http://site.example:{site.server_address[1]}/"

    for words in (["127.0.0.0/8"], ["127.0.0.1"], ["site.example"]):
        assert fetch(url, resolver=lambda *_: [LOOPBACK], opening=Opening.of(words)).body == b"hello"
    for words in ([], ["10.0.0.0/8"], ["other.example"], ["example"]):
        with pytest.raises(FetchRefused):
            fetch(url, resolver=lambda *_: [LOOPBACK], opening=Opening.of(words))


@pytest.mark.parametrize("address", ["169.254.169.254", "::ffff:169.254.169.254", "fe80::1", "224.0.0.1", "8.8.8.8"])
def test_what_an_operator_opened_opens_nothing_else(address):
    opening = Opening.of(["10.0.0.0/8", "127.0.0.1", "erp.lan"])

    for host in ("erp.lan", "site.example"):
        if (host, address) != ("erp.lan", "8.8.8.8"):
            with pytest.raises(FetchRefused):
                fetch(f"http://{host}:8080/", resolver=lambda *_: [address], opening=opening)


def test_a_redirect_out_of_an_opened_network_is_checked_anew(site):
    site.pages["/old"] = (302, {"Location": "http://169.254.169.254/latest/meta-data/"}, b"")

    with pytest.raises(FetchRefused):
        fetch(f"http://127.0.0.1:{site.server_address[1]}/old", opening=Opening.of(["127.0.0.1"]))


@pytest.mark.parametrize("word", ["10.0.0.5/8", "1.2.3", "300.1.1.1", "a b", "-x", "", "10.0.0.0/33"])
def test_an_opening_is_of_networks_and_hosts(word):
    with pytest.raises(ValueError, match=r"\S"):
        Opening.of([word])


@pytest.mark.parametrize(
    ("url", "words", "fits"),
    [
        ("https://hooks.example.org/in?x=1", [], True),
        ("http://8.8.8.8/", [], True),
        ("http://127.0.0.1/", [], False),
        ("http://127.1/", [], False),
        ("http://[::1]/", [], False),
        ("http://169.254.169.254/", ["erp.lan"], False),
        ("http://localhost/", [], False),
        ("https://hooks.example.org:8443/", [], False),
        ("http://8.8.8.8:8443/", ["10.0.0.0/8"], False),
        ("http://127.0.0.1:8080/", ["127.0.0.1"], True),
        ("http://erp.lan:8080/", ["erp.lan"], True),
        ("ftp://hooks.example.org/", ["hooks.example.org"], False),
    ],
)
def test_an_address_is_checked_as_far_as_it_can_be_without_looking_a_name_up(url, words, fits):
    if fits:
        check_address(url, Opening.of(words))
    else:
        with pytest.raises(FetchRefused):
            check_address(url, Opening.of(words))


@pytest.mark.parametrize(("size", "fits"), [(100, True), (101, False)])
def test_an_answer_has_a_size_limit(site, size, fits):
    site.pages["/large"] = (200, {}, b"x" * size)

    if fits:
        assert len(ask(site, "/large", limit=100).body) == 100
    else:
        with pytest.raises(FetchError, match="larger"):
            ask(site, "/large", limit=100)


def test_a_server_that_drips_is_cut_off_in_time(site):
    def drip():
        for _ in range(100):
            sleep(0.05)
            yield b"x"

    site.pages["/slow"] = (200, {}, drip())
    begin = monotonic()

    with pytest.raises(FetchError):
        ask(site, "/slow", seconds=0.4)

    assert monotonic() - begin < 1.5


def test_a_name_server_that_does_not_answer_is_cut_off_in_time():
    begin = monotonic()

    with pytest.raises(FetchError, match="not known"):
        fetch("http://site.example/", resolver=lambda *_: sleep(1) or [LOOPBACK], seconds=0.2)

    assert monotonic() - begin < 0.8


def test_an_unknown_host_is_an_error():
    def unknown(*_):
        raise socket.gaierror

    with pytest.raises(FetchError, match="not known"):
        fetch("http://site.example/", resolver=unknown)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificate")
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=site.example"
    files = ["-keyout", str(folder / "key"), "-out", str(folder / "crt"), "-addext", "subjectAltName=DNS:site.example"]
    subprocess.run([*command.split(), *files], check=True, capture_output=True)
    return folder


@pytest.mark.parametrize(("host", "fits"), [("site.example", True), ("other.example", False)])
def test_the_certificate_must_carry_the_name_that_was_asked(site, certificate, host, fits):
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate / "crt", certificate / "key")
    site.socket = server.wrap_socket(site.socket, server_side=True)
    trust = ssl.create_default_context(cafile=str(certificate / "crt"))
    port = site.server_address[1]
    options = {"resolver": lambda *_: [LOOPBACK], "allowed": lambda _: True, "ports": frozenset({port}), "tls": trust}

    if fits:
        assert fetch(f"https://{host}:{port}/", **options).body == b"hello"
    else:
        with pytest.raises(FetchError):
            fetch(f"https://{host}:{port}/", **options)
