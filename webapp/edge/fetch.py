"""The only way out: requests to addresses that users give, which reach our own network only where operators open it."""

import http.client
import ipaddress
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from time import monotonic
from urllib.parse import SplitResult, urljoin, urlsplit

from webapp.core.errors import DomainError

SECONDS = 5.0
MAX_BYTES = 2 * 1024 * 1024
MAX_REDIRECTS = 3
DEFAULT_PORTS = {"http": 80, "https": 443}
WEB_PORTS = frozenset(DEFAULT_PORTS.values())
INSIDE = "the address is not on the public internet"
REDIRECTS = frozenset({301, 302, 303, 307, 308})
GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
# IPv6 addresses that carry an IPv4 address, which may be anyone's: 6to4 and Teredo.
TUNNELS = (ipaddress.ip_network("2002::/16"), ipaddress.ip_network("2001::/32"))

Resolver = Callable[[str, int], list[str]]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True)
class Opening:
    """Own networks and hosts that an operator lets us ask, on any port; nothing by default."""

    networks: tuple[Network, ...] = ()
    hosts: frozenset[str] = frozenset()

    @classmethod
    def of(cls, words: Iterable[str]) -> "Opening":
        """Return the opening of words such as `10.0.0.0/8`, `127.0.0.1` and `erp.lan`; raise ValueError for others."""
        networks, hosts = [], set()
        for word in words:
            try:
                networks.append(ipaddress.ip_network(word))
            except ValueError:
                if not re.fullmatch(r"(?=.*[a-z])[a-z0-9]([a-z0-9.-]*[a-z0-9])?", word.lower()):
                    raise
                hosts.add(word.lower())
        return cls(tuple(networks), frozenset(hosts))

    def __bool__(self) -> bool:
        """Tell whether anything is open."""
        return bool(self.networks or self.hosts)

    def lets(self, host: str, address: str) -> bool:
        """Tell whether an address of a host is open; a host by name never opens what only neighbours have."""
        found = ipaddress.ip_address(address)
        found = getattr(found, "ipv4_mapped", None) or found
        if any(found in network for network in self.networks):
            return True
        near = found.is_link_local or found.is_multicast or found.is_unspecified or found.is_reserved
        return host.lower() in self.hosts and not near


CLOSED = Opening()


class FetchError(DomainError):
    """The other side cannot be reached, is too slow or says too much."""

    status, code = 422, "fetch_failed"


class FetchRefused(FetchError):
    """The address is one that we do not ask."""

    code = "fetch_refused"


@dataclass(frozen=True)
class Fetched:
    """An answer: the address it finally came from, its status, headers in lower case, and at most MAX_BYTES."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes


def resolve(host: str, port: int) -> list[str]:
    """Return every address of a host."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def is_public(address: str) -> bool:
    """Tell whether an address is globally routable unicast, whatever notation hides it."""
    found = ipaddress.ip_address(address)
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped:
            return is_public(str(found.ipv4_mapped))
        if found not in GLOBAL_UNICAST or any(found in tunnel for tunnel in TUNNELS):
            return False
    elif found in ipaddress.ip_network("192.0.0.0/24"):
        return False
    return found.is_global and not found.is_multicast and not found.is_reserved


def fetch(
    url: str,
    *,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    limit: int = MAX_BYTES,
    cut: bool = False,
    seconds: float = SECONDS,
    resolver: Resolver = resolve,
    allowed: Callable[[str], bool] = is_public,
    ports: frozenset[int] = WEB_PORTS,
    opening: Opening = CLOSED,
    tls: ssl.SSLContext | None = None,
) -> Fetched:
    """GET an address, or POST `body` to it, within `seconds` in all and `limit` bytes; `cut` drops what is more.

    Redirects of a GET are followed, each checked anew; those of a POST are handed back as they are.
    Raises FetchRefused for an address that is neither public http(s) nor in `opening`, FetchError for what fails.
    """
    deadline = monotonic() + seconds
    for _ in range(MAX_REDIRECTS + 1):
        parts, port = _checked(url, ports, opening)
        host = parts.hostname or ""
        may = partial(_may_ask, host, opening, allowed if port in ports else None)
        addresses = _addresses(host, port, resolver, may, deadline)
        exchange = _Exchange(parts, port, addresses[0], deadline, tls)
        answer = exchange.run(body, dict(headers or {}), limit, cut=cut)
        target = answer.headers.get("location")
        if body is not None or answer.status not in REDIRECTS or not target:
            return answer
        url = urljoin(url, target)
        if headers and urlsplit(url)[:2] != parts[:2]:
            headers = None
    raise FetchError("the address redirects too often")


def check_address(url: str, opening: Opening = CLOSED) -> None:
    """Raise FetchRefused for an address that `fetch` refuses whatever its name stands for: no name is looked up."""
    parts, port = _checked(url, WEB_PORTS, opening)
    host = parts.hostname or ""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        if "." not in host.strip(".") and not opening:
            raise FetchRefused(INSIDE) from None
        return
    allowed = is_public if port in WEB_PORTS else None
    if not all(_may_ask(host, opening, allowed, str(entry[4][0])) for entry in found):
        raise FetchRefused(INSIDE)


def _may_ask(host: str, opening: Opening, allowed: Callable[[str], bool] | None, address: str) -> bool:
    return (allowed is not None and allowed(address)) or opening.lets(host, address)


def _checked(url: str, ports: frozenset[int], opening: Opening) -> tuple[SplitResult, int]:
    if any(character <= " " or character in "\\\x7f" for character in url):
        raise FetchRefused("the address has characters that do not belong in one")
    try:
        parts = urlsplit(url)
        port = parts.port or DEFAULT_PORTS.get(parts.scheme, 0)
        (parts.hostname or "").encode("idna")
    except ValueError:
        raise FetchRefused("this is not an address") from None
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        raise FetchRefused("the address must begin with http:// or https://")
    if parts.username is not None or parts.password is not None:
        raise FetchRefused("the address must not carry a user name or a password")
    if port not in ports and not opening:
        raise FetchRefused("the address must be on port 80 or 443")
    return parts, port


def _addresses(host: str, port: int, resolver: Resolver, allowed: Callable[[str], bool], deadline: float) -> list[str]:
    """Return the addresses of a host; refuse when even one of them is not allowed."""
    found: list[str] = []

    def look_up() -> None:
        with suppress(OSError, UnicodeError):
            found.extend(resolver(host, port))

    # A daemon thread, because getaddrinfo knows no time limit.
    thread = threading.Thread(target=look_up, daemon=True)
    thread.start()
    thread.join(max(0.0, deadline - monotonic()))
    addresses = list(found)
    if thread.is_alive() or not addresses:
        raise FetchError("the host name is not known")
    if not all(allowed(address) for address in addresses):
        raise FetchRefused(INSIDE)
    return addresses


@cache
def _trust() -> ssl.SSLContext:
    """Return the authorities that we trust: reading them takes longer than many a request."""
    return ssl.create_default_context()


class _Exchange(http.client.HTTPConnection):
    """One request to one address that has been checked, under the name the certificate must carry."""

    def __init__(
        self, parts: SplitResult, port: int, address: str, deadline: float, tls: ssl.SSLContext | None
    ) -> None:
        host = parts.hostname or ""
        self.name = host if ":" in host else host.encode("idna").decode()
        super().__init__(self.name, port, timeout=max(0.01, deadline - monotonic()))
        self.parts, self.address, self.deadline, self.tls = parts, address, deadline, tls
        self.line: socket.socket | None = None

    def connect(self) -> None:
        """Connect to the checked address and no other."""
        self.line = self.sock = socket.create_connection((self.address, self.port), self.timeout)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # headers and body are two packets
        if self.parts.scheme == "https":
            self.line = self.sock = (self.tls or _trust()).wrap_socket(
                self.sock, server_hostname=self.name, do_handshake_on_connect=False
            )
            self.sock.do_handshake()

    def run(self, body: bytes | None, headers: dict[str, str], limit: int, *, cut: bool) -> Fetched:
        """Send the request and read the answer before the deadline."""
        # A server that drips bytes never trips a socket's own time limit, so the line is cut from outside.
        timer = threading.Timer(max(0.0, self.deadline - monotonic()), self._cut)
        timer.daemon = True
        timer.start()
        target = (self.parts.path or "/") + (f"?{self.parts.query}" if self.parts.query else "")
        try:
            self.request(
                "GET" if body is None else "POST",
                target,
                body,
                {"User-Agent": "Quartermaster", "Accept-Encoding": "identity", "Connection": "close"} | headers,
            )
            response = self.getresponse()
            content = response.read(limit + 1)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise FetchError("the address does not answer as it should") from error
        finally:
            timer.cancel()
            self.close()
        if monotonic() >= self.deadline:
            raise FetchError("the address answers too slowly")
        if len(content) > limit and not cut:
            raise FetchError(f"the answer is larger than {limit} bytes")
        found = {name.lower(): value for name, value in response.getheaders()}
        return Fetched(self.parts.geturl(), response.status, found, content[:limit])

    def _cut(self) -> None:
        # Not `sock`, which http.client forgets as soon as it has read the headers.
        if self.line is not None:
            with suppress(OSError):
                self.line.shutdown(socket.SHUT_RDWR)
