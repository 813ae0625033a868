import gc
import io
import json
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from flask import Flask, Response, g, request

from webapp.core import database
from webapp.core.errors import TooManyRequests
from webapp.edge import admission, ratelimit
from webapp.edge.line import Line, aside, step_aside

OURS, THEIRS = ("organization 1", "organization 1: key:1"), ("organization 2", "organization 2: key:2")
SOON = 10


class Stage:
    """An application whose requests wait for the test, and clients that ask it from threads of their own."""

    def __init__(self, app: Flask) -> None:
        self.app, self.line = app, app.wsgi_app.line
        self.pool = ThreadPoolExecutor(40)
        self.arrived, self.go = threading.Semaphore(0), threading.Semaphore(0)
        self.order: list[str] = []

    def ask(self, path: str = "/api/wait", key: str = "", **more) -> Future:
        headers = {"Authorization": key} if key else {}
        return self.pool.submit(lambda: self.app.test_client().get(path, headers=headers, **more))

    def until(self, count: int) -> None:
        """Wait until so many stand in the line."""
        while len(self.line._waiting) != count:
            threading.Event().wait(0.001)

    def close(self) -> None:
        self.go.release(1000)
        self.pool.shutdown()


@pytest.fixture
def stage(monkeypatch):
    monkeypatch.setattr(database, "aside", database.aside)
    app = Flask(__name__)
    settings = {"RATE_LIMITS": True, "API_RATE_LIMIT": "100 per minute", "WEB_WORKERS": 1, "REDIS_URL": ""}
    app.config.update(settings, WEB_QUEUE=8, MAX_CONTENT_LENGTH=1000, BABEL_DEFAULT_LOCALE="en")
    from flask_babel import Babel

    Babel(app)
    ratelimit.init_app(app)
    admission.init_app(app)
    stage = Stage(app)

    @app.before_request
    def enter():
        key = request.headers.get("Authorization", "")
        if key.startswith("good"):
            tenant, actor = SimpleNamespace(id=key.split("-")[1]), SimpleNamespace(credential=key)
            g.holder = SimpleNamespace(tenant=tenant, actor=actor)
            ratelimit.count(key)

    @app.route("/api/wait")
    @app.route("/wait")
    def wait():
        stage.order.append(request.headers.get("Authorization", ""))
        stage.arrived.release()
        assert stage.go.acquire(timeout=SOON)
        return "done"

    @app.route("/api/fast")
    def fast():
        stage.order.append(request.headers.get("Authorization", ""))
        return "done"

    @app.route("/api/echo", methods=["POST"])
    def echo():
        return request.get_data()

    @app.route("/healthz")
    def healthz():
        return "ok"

    @app.route("/api/stream")
    def stream():
        def blocks():
            try:
                yield from (b"a", b"b", b"c")
            finally:
                stage.order.append("closed")

        return Response(blocks())

    yield stage
    stage.close()


def is_empty(line: Line) -> bool:
    return line._count == 0 and not +line.inside and line._running is None and not line._waiting


def test_one_request_runs_while_the_others_wait(stage):
    answers = [stage.ask() for _ in range(3)]
    stage.until(2)

    assert len(stage.order) == 1
    stage.go.release(3)
    assert [answer.result(SOON).status_code for answer in answers] == [200] * 3
    assert is_empty(stage.line)


def test_whoever_has_run_the_least_is_next_whatever_others_have_in_the_line():
    line = Line(30)
    flood = [line.enter(OURS) for _ in range(10)]
    assert flood[0].take()
    order: list[str] = []
    threads = [run_in_turn(place, order) for place in flood[1:]]
    wait_for(line, 9)
    threads.append(run_in_turn(line.enter(THEIRS), order))
    wait_for(line, 10)

    flood[0].leave()
    for thread in threads:
        thread.join(SOON)

    assert order[0] == THEIRS[0]
    assert is_empty(line)


def test_credentials_of_one_organization_take_turns_too():
    line = Line(30)
    script, person = ("organization 1", "key:1"), ("organization 1", "user:2")
    places = [line.enter(script) for _ in range(5)]
    assert places[0].take()
    order: list[str] = []
    threads = [run_in_turn(place, order, place.names[1]) for place in (*places[1:], line.enter(person))]
    wait_for(line, 5)

    places[0].leave()
    for thread in threads:
        thread.join(SOON)

    assert order[0] == "user:2"


@pytest.mark.parametrize(
    ("seconds_ago", "first"), [(0.1, [THEIRS, THEIRS, OURS]), (5, [OURS, THEIRS, THEIRS])], ids=["of late", "long ago"]
)
def test_who_asks_little_is_served_before_who_has_run_a_lot_of_late(monkeypatch, seconds_ago, first):
    clock = SimpleNamespace(now=0.0, monotonic=lambda: clock.now)
    monkeypatch.setattr("webapp.edge.line.time", clock)
    line, order = Line(30), []
    for names, seconds, passed in ((OURS, 1.0, seconds_ago), (THEIRS, 0.1, 0)):
        place = line.enter(names)
        place.take()
        clock.now += seconds
        place.leave()
        clock.now += passed
    running = line.enter(("somebody", "somebody's key"))
    running.take()
    threads = [run_in_turn(line.enter(names), order) for names in (OURS, THEIRS, THEIRS)]
    wait_for(line, 3)

    running.leave()
    for thread in threads:
        thread.join(SOON)

    assert order == [names[0] for names in first]


def run_in_turn(place, order, name=""):
    def run():
        place.take()
        order.append(name or place.names[0])
        place.leave()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def wait_for(line, count):
    while len(line._waiting) != count:
        threading.Event().wait(0.001)


def test_a_credential_has_half_of_the_room_an_organization_three_quarters_and_all_together_the_whole():
    line = Line(8)
    other = (OURS[0], "organization 1: key:9")

    assert [line.enter(OURS) for _ in range(5)][4] == 429
    assert [line.enter(other) for _ in range(3)][2] == 429
    assert [line.enter(THEIRS) for _ in range(3)][2] == 503


def test_while_turns_are_long_a_credential_may_have_fewer_inside():
    line = Line(64)
    line._seconds = 0.1

    assert [line.enter(OURS) for _ in range(11)][9:] == [any_place(), 429]


def any_place():
    return type("Any", (), {"__eq__": lambda self, other: not isinstance(other, int), "__hash__": None})()


def test_who_waits_too_long_is_sent_away_and_the_place_is_free_again():
    line = Line(8)
    first, second = line.enter(OURS), line.enter(THEIRS)
    assert first.take()

    assert not second.take(0.01)
    second.leave()
    first.leave()

    assert is_empty(line)


def test_a_full_line_refuses_the_api_with_problem_details(stage):
    answers = [stage.ask(environ_base={"REMOTE_ADDR": f"10.0.0.{n}"}) for n in range(8)]
    stage.until(7)

    refused = stage.ask().result(SOON)

    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
    assert refused.content_type == "application/problem+json"
    assert refused.headers["X-RateLimit-Limit"] == "100"
    assert json.loads(refused.data)["request_id"] == refused.headers["X-Request-Id"]
    stage.go.release(8)
    assert {answer.result(SOON).status_code for answer in answers} == {200}
    assert is_empty(stage.line)


def test_a_full_line_refuses_pages_with_a_page(stage):
    answers = [stage.ask(environ_base={"REMOTE_ADDR": f"10.0.0.{n}"}) for n in range(8)]
    stage.until(7)

    refused = stage.ask("/wait").result(SOON)

    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
    assert refused.content_type == "text/html; charset=utf-8"
    assert "<h1>Wait a little, then try again.</h1>" in refused.text
    stage.go.release(8)
    assert {answer.result(SOON).status_code for answer in answers} == {200}


def test_whoever_floods_is_told_so_and_others_come_in(stage):
    client = stage.app.test_client()
    for key in ("good-1", "good-2"):
        client.get("/api/fast", headers={"Authorization": key})
    flood = [stage.ask(key="good-1") for _ in range(4)]
    stage.until(3)

    assert stage.ask(key="good-1").result(SOON).status_code == 429
    other = stage.ask("/api/fast", key="good-2")
    stage.until(4)
    stage.go.release(4)
    assert other.result(SOON).status_code == 200
    assert {answer.result(SOON).status_code for answer in flood} == {200}
    assert stage.order[2:5] == ["good-1", "good-2", "good-1"]


def test_an_unknown_credential_counts_as_its_address(stage):
    flood = [stage.ask(key=f"made up {n}") for n in range(4)]
    stage.until(3)

    assert stage.ask(key="made up too").result(SOON).status_code == 429
    stage.go.release(4)
    assert {answer.result(SOON).status_code for answer in flood} == {200}


def test_a_spent_limit_is_answered_before_a_turn_is_taken(stage):
    client = stage.app.test_client()
    answers = [client.get("/api/fast", headers={"Authorization": "good-1"}) for _ in range(102)]

    assert [answer.status_code for answer in answers[98:]] == [200, 200, 429, 429]
    assert len(stage.order) == 100
    assert 1 <= int(answers[101].headers["Retry-After"]) <= 60
    assert answers[101].headers["X-RateLimit-Remaining"] == "0"
    assert client.get("/api/fast", headers={"Authorization": "good-2"}).status_code == 200


def test_health_is_told_however_full_the_line_is(stage):
    answers = [stage.ask(environ_base={"REMOTE_ADDR": f"10.0.0.{n}"}) for n in range(8)]
    stage.until(7)

    assert stage.ask("/healthz").result(SOON).status_code == 200
    stage.go.release(8)
    assert {answer.result(SOON).status_code for answer in answers} == {200}


def test_an_error_gives_the_turn_back(stage):
    stage.app.wsgi_app.inner = raise_it

    with pytest.raises(TooManyRequests):
        stage.app.test_client().get("/api/fast")

    assert is_empty(stage.line)


def raise_it(environ, start_response):
    raise TooManyRequests(7)


def test_a_streamed_answer_holds_no_turn_while_the_client_reads(stage):
    answer = stage.app.test_client().get("/api/stream")
    blocks = answer.iter_encoded()

    assert next(blocks) == b"a"
    assert stage.app.test_client().get("/api/fast").status_code == 200
    assert stage.line._count == 1
    assert b"".join(blocks) == b"bc"
    answer.close()
    assert is_empty(stage.line)


def test_a_client_that_goes_away_ends_the_answer_and_frees_its_place(stage):
    answer = stage.app.test_client().get("/api/stream")
    next(answer.iter_encoded())

    answer.close()

    assert stage.order == ["closed"]
    assert is_empty(stage.line)


def test_no_more_answers_are_sent_at_a_time_than_there_are_connections_for(stage, monkeypatch):
    monkeypatch.setattr(admission, "STREAMS", 1)
    first, second = (stage.app.test_client().get("/api/stream") for _ in range(2))

    assert (first.status_code, second.status_code, second.headers["Retry-After"]) == (200, 503, "1")
    assert second.json["code"] == "unavailable"
    first.close()
    assert stage.app.test_client().get("/api/stream").data == b"abc"
    gc.collect()
    assert is_empty(stage.line)


def test_an_answer_that_nobody_closes_frees_its_place(stage):
    answer = stage.app.wsgi_app({**environ_of("/api/stream")}, lambda *_: None)
    assert stage.line._count == 1

    del answer
    gc.collect()

    assert is_empty(stage.line)


def environ_of(path, method="GET", body=b"", **more):
    from werkzeug.test import EnvironBuilder

    return {**EnvironBuilder(path, method=method).get_environ(), "wsgi.input": io.BytesIO(body), **more}


def test_a_body_is_here_before_the_turn_is_taken(stage):
    assert stage.app.test_client().post("/api/echo", data=b"x" * 900).data == b"x" * 900


def test_a_body_over_the_limit_is_left_to_the_application(stage):
    assert stage.app.test_client().post("/api/echo", data=b"x" * 1001).status_code == 413


def test_a_body_without_a_length_is_read_no_further_than_the_limit(stage):
    body = io.BytesIO(b"x" * 500_000)
    environ = environ_of("/api/echo", "POST") | {
        "wsgi.input": body,
        "wsgi.input_terminated": True,
        "HTTP_TRANSFER_ENCODING": "chunked",
    }
    environ.pop("CONTENT_LENGTH", None)
    statuses: list[str] = []

    list(stage.app.wsgi_app(environ, lambda status, *_: statuses.append(status)))

    assert statuses == ["413 REQUEST ENTITY TOO LARGE"]
    assert body.tell() <= 70_000


def test_a_body_that_ends_early_is_not_taken_for_whole(stage):
    environ = environ_of("/api/echo", "POST", b"123", CONTENT_LENGTH="10")
    statuses: list[str] = []

    list(stage.app.wsgi_app(environ, lambda status, *_: statuses.append(status)))

    assert statuses == ["400 Bad Request"]
    assert is_empty(stage.line)


def test_others_run_while_a_request_waits_for_a_lock_or_steps_aside():
    line = Line(8)
    long, short = line.enter(OURS), line.enter(THEIRS)
    assert long.take()
    order: list[str] = []
    thread = run_in_turn(short, order)
    wait_for(line, 1)

    step_aside()

    assert order == [THEIRS[0]]
    with aside():
        assert line._running is None
    assert long.has_turn
    long.leave()
    thread.join(SOON)
    assert is_empty(line)


def test_outside_of_the_line_nothing_is_stepped_aside_from():
    step_aside()
    with aside():
        pass
