"""Quartermaster: keeps track of everything an organization owns."""

import importlib
import importlib.util
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from flask import Flask, Request, Response, g, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask_babel import Babel
from flask_wtf import CSRFProtect
from htmx_flask import Htmx
from werkzeug.middleware.proxy_fix import ProxyFix

import config
from webapp import cli
from webapp.core import (
    access,
    database,
    errors,
    secrets,
    worker,
)
from webapp.core.resource import registry
from webapp.edge import admission, health, logs, mail, ratelimit, security_headers
from webapp.faces import api, docs, icons, pages, words
from webapp.schema import database_roles, migrate

FEATURES = ("places", "people", "accounts", "catalog", "assets", "imports", "webhooks", "reports", "archives", "demo")
ROOT = Path(__file__).resolve().parent.parent
MACHINERY = (logs, errors, mail, words, icons, ratelimit, security_headers, health, worker, docs, admission)


class PageSessions(SecureCookieSessionInterface):
    """Sessions of pages in a signed cookie; the API has none, and neither reads nor sets one."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Return the session of a request; Flask makes an empty one, which cannot be written to, of nothing."""
        return None if request.path.startswith(api.PREFIX) else super().open_session(app, request)


class Quartermaster(Flask):
    """A Flask that commits once: what a request wrote is kept when its answer says so, and dropped otherwise.

    What a rehearsed request wrote (`Prefer: dry-run`) is dropped whatever its answer says.
    """

    session_interface = PageSessions()

    def dispatch_request(self) -> Response:
        """Answer a request, then commit or roll back."""
        response = self.make_response(super().dispatch_request())
        context = g.get("context")
        if context is not None and context.session.info.get("write"):
            kept = response.status_code < 400 and not context.rehearsed
            (context.session.commit if kept else context.session.rollback)()
        return response

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return what is to be called: no view of ours is a coroutine, though Flask would look at each request."""
        return func


def create_app(settings: Mapping[str, Any] | None = None) -> Flask:
    """Build the application; `settings` win over the environment's."""
    app = Quartermaster(__name__, template_folder=str(ROOT / "templates"), static_folder=str(ROOT / "static"))
    app.config.from_mapping(config.load())
    app.config.from_mapping(settings or {})
    prepare_secrets(app)
    prepare_database(app)
    Babel(app, locale_selector=locale_of_reader, timezone_selector=zone_of_reader)
    Htmx(app)
    csrf = CSRFProtect(app)
    app.before_request(name_request)
    app.after_request(show_request_id)
    for part in MACHINERY:
        part.init_app(app)
    if app.config["PROXIES"]:
        hops = app.config["PROXIES"]
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign] # as Flask says
    modules = load_features(app)
    blueprints = [module.blueprint for module in modules if module.__name__.endswith(".api")]
    pages.init_app(app, [module.blueprint for module in modules if module.__name__.endswith(".pages")])
    api.init_app(app, blueprints)
    for name, blueprint in app.blueprints.items():
        if name.startswith("api"):
            csrf.exempt(blueprint)
    cli.init_app(app)
    return app


def prepare_secrets(app: Flask) -> None:
    """Read the installation's master secret; start is refused when there is data and the secret is gone."""
    url = app.config["SQLALCHEMY_DATABASE_URI"]
    if "MASTER_SECRET" not in app.config:
        app.config["MASTER_SECRET"] = secrets.load_master_secret(app.config["INSTANCE_DIR"], migrate.has_data(url))
    app.config["SECRET_KEY"] = secrets.derive_key(app.config["MASTER_SECRET"], "sessions").hex()


def prepare_database(app: Flask) -> None:
    """Open the engine, and refuse roles that row-level security would not hold."""
    database.db.init_app(app)
    with app.app_context():
        engine = database.db.engine
        if engine.dialect.name == "sqlite":
            database.install_sqlite_pragmas(engine)
        else:
            database.install_postgresql_settings(engine)
            database_roles.check_runtime_role(engine)


def load_features(app: Flask) -> list[ModuleType]:
    """Import what each feature declares, by the names of its files, and return the modules with blueprints."""
    faces = []
    for module in _modules("resources"):
        access.declare(getattr(module, "PERMISSIONS", ()))
        for resource in module.RESOURCES:
            registry.add(resource)
        for panel in getattr(module, "PANELS", ()):
            registry.add_panel(panel)
        for seed in getattr(module, "SEEDS", ()):
            registry.add_seed(seed)
    list(_modules("jobs"))
    for name in ("pages", "api"):
        faces += list(_modules(name))
    for module in _modules("cli"):
        module.init_app(app)
    return faces


def _modules(name: str) -> Iterator[ModuleType]:
    for feature in FEATURES:
        if importlib.util.find_spec(f"webapp.{feature}.{name}") is not None:
            yield importlib.import_module(f"webapp.{feature}.{name}")


def name_request() -> None:
    """Give the request an id that logs, errors and the history share."""
    given = request.headers.get("X-Request-Id", "")
    g.request_id = (
        given if given.isascii() and given.replace("-", "").isalnum() and len(given) <= 64 else uuid.uuid4().hex
    )


def show_request_id(response: Response) -> Response:
    """Return the request's id to the caller."""
    response.headers["X-Request-Id"] = g.get("request_id", "")
    return response


def locale_of_reader() -> str | None:
    """Return the reader's language: their own, or what the browser or script asks for."""
    context = g.get("context")
    if context is not None and context.actor.face == "page":
        return str(context.actor.locale)
    return request.accept_languages.best_match(["en", "de", "es"]) if request else "en"


def zone_of_reader() -> str | None:
    """Return the reader's time zone."""
    context = g.get("context")
    return str(context.actor.timezone) if context is not None else None
