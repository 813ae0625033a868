import pytest
from flask import Flask
from limits.errors import StorageError

from webapp.core.errors import TooManyRequests
from webapp.edge import ratelimit

SETTINGS = {"RATE_LIMITS": True, "API_RATE_LIMIT": "4 per minute", "WEB_WORKERS": 2, "REDIS_URL": ""}


def make_app(**settings):
    app = Flask(__name__)
    app.config.update({**SETTINGS, **settings})
    ratelimit.init_app(app)

    @app.get("/api/thing")
    @app.get("/page")
    def thing():
        ratelimit.count("1:7")
        return "ok"

    @app.get("/api/open")
    def nobody_counted():
        return "ok"

    app.register_error_handler(TooManyRequests, lambda error: (str(error.retry_after), 429))
    return app


def test_each_process_allows_its_share():
    client = make_app().test_client()

    assert [client.get("/api/thing").status_code for _ in range(3)] == [200, 200, 429]


def test_every_answer_says_how_the_credential_stands():
    client = make_app().test_client()

    headers = [client.get("/api/thing").headers for _ in range(3)]

    assert [found["X-RateLimit-Limit"] for found in headers] == ["2", "2", "2"]
    assert [found["X-RateLimit-Remaining"] for found in headers] == ["1", "0", "0"]
    assert int(headers[0]["X-RateLimit-Reset"]) > 1_700_000_000


def test_an_answer_before_anybody_is_known_says_it_too():
    response = make_app().test_client().get("/api/open")

    assert response.headers["X-RateLimit-Remaining"] == "2"


def test_who_asks_too_often_hears_how_long_to_wait():
    client = make_app(API_RATE_LIMIT="1 per minute").test_client()
    client.get("/api/thing")

    assert 1 <= int(client.get("/api/thing").data) <= 60


def test_credentials_do_not_share_a_limit():
    app = make_app(API_RATE_LIMIT="2 per minute")

    with app.test_request_context("/api/thing"):
        ratelimit.count("1:7")
        ratelimit.count("1:8")
        ratelimit.count("2:7")
        with pytest.raises(TooManyRequests):
            ratelimit.count("1:7")


def test_switched_off_nothing_is_refused_but_the_headers_stay():
    client = make_app(RATE_LIMITS=False, API_RATE_LIMIT="1 per minute").test_client()

    responses = [client.get("/api/thing") for _ in range(3)]

    assert [response.status_code for response in responses] == [200, 200, 200]
    assert responses[2].headers["X-RateLimit-Limit"] == "1"


def test_pages_carry_no_such_headers():
    assert "X-RateLimit-Limit" not in make_app().test_client().get("/page").headers


def test_without_an_answer_from_redis_each_process_counts_for_itself():
    app = make_app()
    app.extensions["rate_limits"].shared = type("Away", (), {"hit": staticmethod(raise_storage_error)})()

    statuses = [app.test_client().get("/api/thing").status_code for _ in range(3)]

    assert statuses == [200, 200, 429]


def raise_storage_error(*_):
    raise StorageError(ConnectionError("away"))
