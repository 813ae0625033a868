"""The two ways in, as tests use them: a browser without JavaScript, and an integration with a key."""

import contextvars
import re
from typing import Any

from flask import Flask, session
from flask.testing import FlaskClient
from flask_wtf.csrf import generate_csrf
from werkzeug.test import TestResponse

TOKEN = re.compile(r'<meta name="csrf-token" content="([^"]+)"|name="csrf_token"[^>]*value="([^"]+)"')
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class SeparateClient(FlaskClient):
    """Sends requests as another process would: without the `g` and the session of a context that a test has open."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        """Send a request from an empty context."""
        return contextvars.Context().run(super().open, *args, **kwargs)


class PageClient(SeparateClient):
    """Acts as a browser on our pages: says where it comes from and sends the CSRF token of the last page it saw."""

    csrf_token = ""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        """Send a request, with what a browser would add."""
        method = str(kwargs.get("method", "GET")).upper()
        headers = {"Sec-Fetch-Site": "same-origin"}
        if method in UNSAFE and self.csrf_token:
            headers["X-CSRFToken"] = self.csrf_token
        kwargs["headers"] = headers | dict(kwargs.get("headers") or {})
        response = super().open(*args, **kwargs)
        if response.mimetype == "text/html" and (found := TOKEN.search(response.get_data(as_text=True))):
            self.csrf_token = found[1] or found[2]
        return response

    def sign_in(self, email: str, password: str) -> "PageClient":
        """Sign in through the form, as people do."""
        self.get("/login")
        response = self.post("/login", data={"email": email, "password": password, "csrf_token": self.csrf_token})
        assert response.status_code in (302, 303), response.get_data(as_text=True)
        self.get("/")
        return self

    def enter(self, user_id: int, organization_id: int) -> "PageClient":
        """Be signed in as after the form, whose three requests cost more than what most tests try."""
        contextvars.Context().run(self._enter, user_id, organization_id)
        return self

    def _enter(self, user_id: int, organization_id: int) -> None:
        from webapp.accounts.entry import start_session

        with self.application.test_request_context(environ_base=self.environ_base):
            start_session(user_id, organization_id)
            self.csrf_token = generate_csrf()
            kept = dict(session)
        with self.session_transaction() as cookie:
            cookie.update(kept)


class ApiClient:
    """Speaks the native API with a key."""

    def __init__(self, app: Flask, token: str) -> None:
        self.client, self.token = SeparateClient(app, app.response_class, use_cookies=False), token

    def request(self, method: str, path: str, json: Any = None, **kwargs: Any) -> TestResponse:
        """Send a request; a path without a leading /api is one of version 1."""
        if not path.startswith("/api"):
            path = f"/api/v1/{path.lstrip('/')}"
        headers = {"Authorization": f"Bearer {self.token}"} | dict(kwargs.pop("headers", None) or {})
        if json is not None:
            kwargs["json"] = json
        return self.client.open(path, method=method, headers=headers, **kwargs)

    def get(self, path: str, **kwargs: Any) -> TestResponse:
        """GET a path."""
        return self.request("GET", path, **kwargs)

    def post(self, path: str, json: Any = None, **kwargs: Any) -> TestResponse:
        """POST JSON to a path."""
        return self.request("POST", path, json, **kwargs)

    def patch(self, path: str, json: Any = None, **kwargs: Any) -> TestResponse:
        """PATCH a path with JSON."""
        return self.request("PATCH", path, json, **kwargs)

    def delete(self, path: str, **kwargs: Any) -> TestResponse:
        """DELETE a path."""
        return self.request("DELETE", path, **kwargs)
