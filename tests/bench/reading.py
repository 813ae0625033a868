"""Lists, single assets and pages: requests a second beside the limit route, and latencies at a million."""

import http.client
import http.cookiejar
import re
import time
import urllib.parse
import urllib.request
from base64 import urlsafe_b64encode
from typing import Any

import orjson
from sqlalchemy import create_engine, text

from tests.bench.data import Built, Organization
from tests.bench.server import Served, get
from tests.bench.stage import SMALL, Stage
from tests.bench.verdicts import Figure, median, percentile, ratio

LIST, PAGE = "/api/v1/assets?per_page=50", "/assets?per_page=50"
TOKEN = re.compile(r'<meta name="csrf-token" content="([^"]+)"|name="csrf_token"[^>]*value="([^"]+)"')
# What the limit cannot know, or says with another number of zeros.
APART = {"created_at", "updated_at", "next_cursor"}


def beside_the_limit(stage: Stage) -> list[Figure]:
    """Compare the JSON list, one asset and the HTML list with the limit route, in turns."""
    built = stage.built(stage.middle)
    organization = built.big
    one = f"/api/v1/assets/{organization.middle_id}"
    with stage.serve(built) as ours, stage.serve_limit(built) as limit:
        agree(ours, limit, organization)
        cookie = sign_in(ours, organization)
        ways = {
            "list": (get(LIST, organization), get("/assets"), 0.30),
            "detail": (get(one, organization), get(one), 0.15),
            "page": (get(PAGE, cookie=cookie), get("/assets"), 0.10),
        }
        figures = [
            _turns(stage, name, (ours, mine), (limit, theirs), least) for name, (mine, theirs, least) in ways.items()
        ]
        heaviest = max(ours.memory())
    return [*figures, Figure("memory of a web worker", heaviest, "MB", most=120)]


def _turns(stage: Stage, name: str, ours: tuple[Served, str], limit: tuple[Served, str], least: float) -> Figure:
    rates: dict[str, list[float]] = {"ours": [], "limit": []}
    took: dict[str, list[float]] = {"ours": [], "limit": []}
    for turn in range(stage.rounds + 1):
        for who, (server, request) in (("ours", ours), ("limit", limit)):
            seen = server.load([request], seconds=stage.seconds if turn else 0.7)
            if set(seen["statuses"]) != {"200"}:
                raise RuntimeError(f"{name} of {who}: {seen['statuses']}")
            if turn:  # the first one warms up
                rates[who].append(seen["good_a_second"])
                took[who] += seen["milliseconds"]
    details: dict[str, Any] = {
        who: {
            "requests_a_second": round(median(rates[who]), 1),
            "p50_ms": percentile(took[who], 0.5),
            "p95_ms": percentile(took[who], 0.95),
        }
        for who in rates
    }
    words = ", ".join(
        f"{who} {each['requests_a_second']}/s, p95 {each['p95_ms']:.1f} ms" for who, each in details.items()
    )
    return Figure(
        f"{name} beside the limit", ratio(rates["ours"], rates["limit"]), "", least=least, note=words, details=details
    )


def agree(ours: Served, limit: Served, organization: Organization) -> None:
    """See to it that the limit route answers what we answer: the same rows, fields and values."""
    for path in (LIST, f"/api/v1/assets/{organization.middle_id}"):
        mine, theirs = (_known(fetch(server, get(path, organization))[1]) for server in (ours, limit))
        if mine != theirs:
            raise RuntimeError(f"the limit route answers {path} differently: {mine} and {theirs}")


def _known(body: bytes) -> Any:
    found = orjson.loads(body)
    rows = found["data"] if isinstance(found["data"], list) else [found["data"]]
    for row in (*rows, found.get("pagination") or {}):
        for name in APART & set(row):
            row[name] = None
    (found.get("pagination") or {}).setdefault("next_cursor", None)
    return found


def fetch(server: Served, request: str) -> tuple[int, bytes]:
    """Send a GET request as `server.get` wrote it, by a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    line, *lines = request.strip().split("\r\n")
    connection.request("GET", line.split(" ")[1], headers=dict(each.split(": ", 1) for each in lines))
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body


def sign_in(server: Served, organization: Organization) -> str:
    """Sign in as people do and return the cookies."""
    jar = http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    opener.addheaders = [("Sec-Fetch-Site", "same-origin")]
    found = TOKEN.search(opener.open(f"{server.url}/login", timeout=30).read().decode())
    if found is None:
        raise RuntimeError("there is no token on the page of the sign-in")
    form = {"email": organization.email, "password": organization.password, "csrf_token": found[1] or found[2]}
    opener.open(f"{server.url}/login", urllib.parse.urlencode(form).encode(), timeout=30)
    cookie = "; ".join(f"{each.name}={each.value}" for each in jar)
    status, body = fetch(server, get(PAGE, cookie=cookie))
    if status != 200 or b"AST-" not in body:
        raise RuntimeError(f"the list is not shown after the sign-in: {status}")
    return cookie


def paths(built: Built) -> dict[str, str]:
    """Return the lists that have to stay fast however many assets there are."""
    return {
        "first page": LIST,
        "page by cursor": f"{LIST}&cursor={cursor(built)}",
        "rare search": f"{LIST}&q={built.rare}",
        "filter by a choice": f"{LIST}&custom.grade=B",
        "filter by a text": f"{LIST}&custom.rack_code=RACK-{built.big.assets // 2:07d}",
        "sort by a number": f"{LIST}&sort=custom.cycles",
        "common search": f"{LIST}&q={built.common}",
    }


def cursor(built: Built) -> str:
    """Return where the list goes on two thirds down: at half a million of 750,000."""
    engine = create_engine(built.owner_url or built.url)
    query = text(
        "SELECT created_at, id FROM assets WHERE organization_id = :organization "
        "ORDER BY created_at DESC, id DESC LIMIT 1 OFFSET :depth"
    )
    with engine.connect() as connection:
        at, row_id = connection.execute(query, {"organization": built.big.id, "depth": built.big.assets * 2 // 3}).one()
    engine.dispose()
    moment = at if isinstance(at, str) else at.strftime("%Y-%m-%dT%H:%M:%S.%f")
    place = [[["created_at", True]], [f"{moment[:10]}T{moment[11:23]}Z"], row_id]
    return urlsafe_b64encode(orjson.dumps(place)).decode().rstrip("=")


def flat(stage: Stage) -> list[Figure]:
    """Compare latencies at a million with the first page at a thousand, in turns, one request at a time."""
    small, large = stage.built(SMALL), stage.built(stage.large)
    with stage.serve(small) as low, stage.serve(large) as high:
        asked = {"first page at 1k": (low, get(LIST, small.big))}
        asked |= {name: (high, get(path, large.big)) for name, path in paths(large).items()}
        took = in_turns(asked, stage.rounds)
    first = took.pop("first page at 1k")
    figures = []
    for name, times in took.items():
        note = f"{median(times):.1f} ms; the first page at 1k {median(first):.1f} ms"
        if name == "common search":
            figures.append(Figure(f"{name}, {large.assets:,}", median(times), "ms", most=100))
        else:
            figures.append(Figure(f"{name}, {large.assets:,}", ratio(times, first), "×", most=1.5, note=note))
    return figures


def in_turns(asked: dict[str, tuple[Served, str]], rounds: int, each: int = 12) -> dict[str, list[float]]:
    """Return {name: the median milliseconds of each round}, measured in turns over a connection that stays."""
    took: dict[str, list[float]] = {name: [] for name in asked}
    for turn in range(rounds + 1):
        for name, (server, request) in asked.items():
            times = one_by_one(server, request, each)
            if turn:
                took[name].append(median(times))
    return took


def one_by_one(server: Served, request: str, times: int) -> list[float]:
    """Return the milliseconds of some requests, one after another."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
    line, *lines = request.strip().split("\r\n")
    headers = dict(each.split(": ", 1) for each in lines)
    took = []
    for _ in range(times):
        began = time.perf_counter()
        connection.request("GET", line.split(" ")[1], headers=headers)
        answer = connection.getresponse()
        answer.read()
        took.append((time.perf_counter() - began) * 1000)
        if answer.status != 200:
            raise RuntimeError(f"{request} was answered with {answer.status}")
    connection.close()
    return took


def sqlite(stage: Stage) -> list[Figure]:
    """Compare SQLite with PostgreSQL, in turns: list, one asset, search."""
    light, heavy = stage.built(stage.middle, "sqlite"), stage.built(stage.middle)
    with stage.serve(light) as here, stage.serve(heavy) as there:
        asked = {}
        for name, path in (("list", LIST), ("detail", ""), ("search", f"{LIST}&q={heavy.rare}")):
            asked[f"{name} sqlite"] = (here, get(path or f"/api/v1/assets/{light.big.middle_id}", light.big))
            asked[f"{name} postgresql"] = (there, get(path or f"/api/v1/assets/{heavy.big.middle_id}", heavy.big))
        took = in_turns(asked, stage.rounds)
    return [
        Figure(
            f"SQLite beside PostgreSQL: {name}, {stage.middle:,}",
            ratio(took[f"{name} sqlite"], took[f"{name} postgresql"]),
            "×",
            most=2,
            note=f"{median(took[f'{name} sqlite']):.1f} and {median(took[f'{name} postgresql']):.1f} ms",
        )
        for name in ("list", "detail", "search")
    ]
