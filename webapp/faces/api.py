"""The native API: generic views over every resource, problem+json, ETags, idempotent POSTs."""

import hashlib
import re
import zlib
from collections.abc import Callable, Mapping
from functools import lru_cache, wraps
from types import FunctionType, SimpleNamespace
from typing import Any

import orjson
from flask import Flask, Request, Response, current_app, g, request
from flask.views import MethodView
from flask_babel import gettext as _
from flask_smorest import Api, Blueprint
from marshmallow import Schema, ValidationError
from werkzeug.exceptions import UnsupportedMediaType

from webapp.core.access import require
from webapp.core.activity import history
from webapp.core.context import Context, current_context, open_context
from webapp.core.custom import tailor
from webapp.core.errors import (
    BadRequest,
    Conflict,
    Invalid,
    StaleVersion,
    Unauthorized,
    register_face,
)
from webapp.core.fields import LARGEST_ID
from webapp.core.jobs import get_own_job
from webapp.core.parameters import ListParameters, between, messages_of
from webapp.core.query import get_row, list_rows
from webapp.core.replies import Kept, find_reply, keep_reply, request_hash
from webapp.core.resource import Action, Resource, registry
from webapp.core.writes import create, delete, restore, update
from webapp.edge import ratelimit
from webapp.faces import openapi, openapi_names
from webapp.faces.problems import PREFIX as PREFIX
from webapp.faces.problems import problem
from webapp.faces.serialize import dump, dump_rows, moment_text, to_plain
from webapp.faces.sync import flat_messages, makeable, sync
from webapp.faces.tokens import find_holder

JSON = "application/json"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
DRY_RUN, ASYNC = "dry-run", "respond-async"
OPEN_PATHS = (f"{PREFIX}/openapi.json",)


class NativeApi(Api):
    """flask-smorest without its error handlers: the faces share one (stack.md)."""

    DEFAULT_ERROR_RESPONSE_NAME = None
    spec: Any

    def _register_error_handlers(self) -> None:
        """Leave errors to core/errors."""

    def register_own(self, blueprint: Blueprint) -> None:
        """Register a blueprint of this application alone, and let go what documents it: the next stands there."""
        self.register_blueprint(blueprint)
        blueprint._docs.clear()
        for endpoint in blueprint._endpoints:
            view = self._app.view_functions[f"{blueprint.name}.{endpoint}"]
            for part in (view, *vars(getattr(view, "view_class", object)).values()):
                if isinstance(part, FunctionType):
                    vars(part).pop("_apidoc", None)

    def render(self) -> None:
        """Keep the document as it is sent, for it says the same to everybody, and let go what it was made of."""
        document = orjson.dumps(self.spec.to_dict(), option=orjson.OPT_INDENT_2)
        self._packed, self._mark = zlib.compress(document), hashlib.sha256(document).hexdigest()[:32]
        self.spec = SimpleNamespace(to_dict=lambda: orjson.loads(zlib.decompress(self._packed)))  # for `flask openapi`

    def _openapi_json(self) -> Response:
        """Serve the document, or say that the reader has it."""
        response = answer(zlib.decompress(self._packed))
        response.headers["Cache-Control"] = "no-cache"
        response.set_etag(self._mark)
        response.make_conditional(request)
        return response


def authenticate() -> None:
    """Open the context of a request to the API from its bearer token, and count it."""
    call: Request = request._get_current_object()  # type: ignore[attr-defined] # what stands for it costs at each use
    if not call.path.startswith(PREFIX) or call.path in OPEN_PATHS or call.url_rule is None:
        return
    if openapi.is_public(current_app.view_functions[call.endpoint or ""]):
        ratelimit.count(f"address:{call.remote_addr}")
        return
    scheme, _space, token = call.headers.get("Authorization", "").partition(" ")
    reads, holder = call.method in SAFE, None
    if scheme.lower() == "bearer":
        holder = find_holder(token.strip(), ip=call.remote_addr or "", reads=reads)
    g.holder = holder
    if holder is None:
        ratelimit.count(f"address:{call.remote_addr}")
        raise Unauthorized(_("Send a valid API key, or an access token, as a bearer token."))
    ratelimit.count(f"{holder.tenant.id}:{holder.actor.credential}")
    method = "GET" if call.method == "HEAD" else call.method
    if call.query_string and (call.url_rule.rule, method) in current_app.extensions["without_parameters"]:
        asked()
    open_context(holder.tenant, holder.actor, write=not reads, rehearsed=not reads and DRY_RUN in preferences())


def preferences() -> frozenset[str]:
    """Return what a request would rather have (RFC 7240): `dry-run`, `respond-async`."""
    parts = request.headers.get("Prefer", "").split(",")
    return frozenset(part.partition(";")[0].strip().lower() for part in parts)


def show_rehearsal(response: Response) -> Response:
    """Say on an answer that it was only tried: what it tells has not happened."""
    context: Context | None = g.get("context")
    if context is not None and context.rehearsed:
        response.headers.add("Preference-Applied", DRY_RUN)
        response.vary.add("Prefer")
    return response


def answer(body: bytes, status: int = 200, **headers: str) -> Response:
    """Return JSON bytes as an answer."""
    return Response(body, status, headers=headers, content_type=JSON)


def json_body() -> Any:
    """Return the request's JSON; raises BadRequest (400) or UnsupportedMediaType (415)."""
    if request.mimetype and not request.is_json:
        raise UnsupportedMediaType(_("Send JSON, with Content-Type application/json."))
    try:
        return orjson.loads(request.get_data())
    except orjson.JSONDecodeError as error:  # what is not UTF-8, half a character pair and NaN too
        raise BadRequest(_("This is not JSON."), code="not_json") from error


def load(schema: Schema, data: Any) -> dict[str, Any]:
    """Return the loaded fields of an object; raises Invalid naming each wrong field."""
    try:
        loaded: dict[str, Any] = schema.load(data)
    except ValidationError as error:
        raise Invalid(flat_messages(error.messages)) from error
    return loaded


def expected_version() -> int | None:
    """Return the version that If-Match names, None without the header or for `*`; -1 for one that is not ours."""
    if not request.if_match or request.if_match.star_tag:
        return None
    tags = [*request.if_match.as_set(include_weak=True)]
    tag = (tags[0] or "").removeprefix("W/").strip('"') if len(tags) == 1 else ""
    return int(tag) if tag.isascii() and tag.isdigit() and len(tag) < 10 else -1


View = Callable[..., Response]


def idempotent(
    view: View | None = None, *, secret: bool = False, body: Callable[[], bytes] = lambda: request.get_data()
) -> Any:
    """Answer a POST that carries a known Idempotency-Key as the first time, and keep new answers.

    A `secret` answer is not kept: sent again, the request is told that it was done, and where. `body` is what two
    equal requests have in common. PATCH and DELETE need no key: done twice, they come to what they come to once.
    """
    if view is None:
        return lambda view: idempotent(view, secret=secret, body=body)

    @wraps(view)
    def wrapped(*args: Any, **kwargs: Any) -> Response:
        key = request.headers.get("Idempotency-Key")
        if not key:
            return view(*args, **kwargs)
        if len(key) > 255:
            raise Invalid({"Idempotency-Key": [_("At most 255 characters.")]})
        context = current_context()
        credential = context.actor.credential
        digest = request_hash(request.method, request.full_path, body())
        kept = find_reply(context, credential, key, digest)
        if kept is not None:
            return replayed(kept)
        response = view(*args, **kwargs)
        if 200 <= response.status_code < 300:
            names = ("Content-Type", "Location", "ETag", "Preference-Applied")
            headers = {name: response.headers[name] for name in names if name in response.headers}
            found = Kept(409, b"", headers) if secret else Kept(response.status_code, response.get_data(), headers)
            keep_reply(context, credential, key, digest, found)
        return response

    return wrapped


def replayed(kept: Kept) -> Response:
    """Return a kept answer; of one that held a secret no more than that it was given, and where the thing is."""
    headers = {**kept.headers, "Idempotent-Replayed": "true"}
    if kept.status < 300:
        return Response(kept.body, kept.status, headers=headers)
    done = Conflict(_("This was done already. Its answer held a secret, which is shown once."), code="already_done")
    response = problem(done, kept.status)
    response.headers.update({name: text for name, text in headers.items() if name not in ("Content-Type", "ETag")})
    return response


def one(context: Context, resource: Resource, row_id: int, status: int = 200, **headers: str) -> Response:
    """Answer with one row and its ETag."""
    row = get_row(context, resource, row_id)
    return answer(dump({"data": to_plain(resource, row)}), status, ETag=f'"{row["version"]}"', **headers)


def entered(resource: Resource, *, write: bool, parameters: bool = False) -> Context:
    """Return the context of somebody who may read, or write, a resource; raises Forbidden.

    Without `parameters` the view takes none, and any is refused as unknown.
    """
    context = current_context()
    require(context.actor, resource.write_permission if write else resource.read_permission)
    if not parameters and request.query_string:
        asked()
    return context


def asked(**takes: Callable[[str], Any]) -> dict[str, Any]:
    """Return the parameters of a request by name, each as what takes it returns it.

    Raises Invalid naming each that is unknown, repeated or wrong.
    """
    found: dict[str, Any] = {}
    errors: dict[str, list[str]] = {}
    for name, texts in request.args.lists():
        if name not in takes or len(texts) != 1:
            errors[name] = [_("Give this once.") if name in takes else _("There is no such parameter here.")]
            continue
        try:
            found[name] = takes[name](texts[0])
        except (ValidationError, ValueError) as error:
            errors[name] = messages_of(error)
    if errors:
        raise Invalid(errors)
    return found


def whole(low: int, high: int) -> Callable[[str], int]:
    """Return what takes a parameter that is a whole number of a range."""
    return lambda text: between(text, low, high)


def plain_text(text: str) -> str:
    """Return a parameter that is compared as text; raises ValueError for what no text of ours can be."""
    if "\x00" in text:
        raise ValueError(_("NUL characters are not text."))
    return text


def opened(resource: Resource, *, write: bool, parameters: bool = False) -> tuple[Context, Resource]:
    """Return the context as `entered` does, and the resource as the organization sees it."""
    context = entered(resource, write=write, parameters=parameters)
    return context, tailor(context, resource)


def list_view(resource: Resource) -> Response:
    """Answer with a page of a list."""
    context, resource = opened(resource, write=False, parameters=True)
    parameters = _parsed(resource, request.query_string)
    found = list_rows(context, resource, parameters)
    pagination = {
        "page": found.page,
        "per_page": found.per_page,
        "total": found.total,
        "total_capped": found.total_capped,
        "total_pages": found.total_pages,
        "next_cursor": found.next_cursor,
    }
    return answer(dump_rows(resource, found.rows, parameters.fields, pagination))


@lru_cache(maxsize=500)
def _parsed(resource: Resource, _query: bytes) -> ListParameters:
    """Return the parameters of a list; who pages through one, or asks again and again, asks much the same."""
    return ListParameters.parse(resource, request.args)


def create_view(resource: Resource) -> Response:
    """Make a row and answer with it."""
    context, resource = opened(resource, write=True)
    row_id = create(context, resource, load(resource.schema_for(), json_body()))
    return one(context, resource, row_id, 201, Location=f"{PREFIX}/{resource.name}/{row_id}")


def update_view(resource: Resource, row_id: int) -> Response:
    """Change the fields that were sent and answer with the row."""
    context, resource = opened(resource, write=True)
    update(context, resource, row_id, load(resource.schema_for(partial=True), json_body()), version=expected_version())
    return one(context, resource, row_id)


def delete_view(resource: Resource, row_id: int) -> Response:
    """Delete a row."""
    context, resource = opened(resource, write=True)
    delete(context, resource, row_id, version=expected_version())
    return Response(status=204)


def restore_view(resource: Resource, row_id: int) -> Response:
    """Bring a deleted row back."""
    context, resource = opened(resource, write=True)
    restore(context, resource, row_id)
    return one(context, resource, row_id)


def history_view(resource: Resource, row_id: int) -> Response:
    """Answer with the newest 50 lines of a row's history, or those before `before_id`."""
    context, resource = opened(resource, write=False, parameters=True)
    get_row(context, resource, row_id, deleted=True)
    before = asked(before_id=whole(1, LARGEST_ID)).get("before_id")
    lines = history(context, resource, row_id, before_id=before)
    return answer(dump({"data": [history_line(line, resource) for line in lines]}))


def history_line(line: Mapping[str, Any], resource: Resource) -> dict[str, Any]:
    """Return one line of the log as the API shows it; the organization's own fields by their slugs."""
    shown = ("id", "event", "actor_name", "face", "change_set_id", "item_type", "item_id", "item_name", "note")
    names = {item.column: name for name, item in resource.customs.items()}
    changes = [{"field": names.get(c, c), "old": old, "new": new} for c, (old, new) in line["changes"].items()]
    return {**{name: line[name] for name in shown}, "at": moment_text(line["at"]), "changes": changes}


def sync_view(resource: Resource) -> Response:
    """Upsert up to 1,000 rows by the resource's key, each with its own result."""
    context, resource = opened(resource, write=True, parameters=True)
    wanted = asked(create_missing=lambda text: frozenset(text.split(",")) - {""}).get("create_missing", frozenset())
    unknown = sorted(wanted - makeable(resource))
    if unknown:
        raise Invalid({"create_missing": [_("%(name)s cannot be created here.", name=unknown[0])]})
    body = json_body()
    if not isinstance(body, dict) or set(body) != {resource.name} or not isinstance(body[resource.name], list):
        raise Invalid({resource.name: [_("Send an object with one list, %(name)s.", name=resource.name)]})
    return answer(dump({"data": sync(context, resource, body[resource.name], wanted)}))


def act_view(resource: Resource, action: Action, row_id: int) -> Response:
    """Do an act with one row and answer with it, or with the one that it led to."""
    context, resource = opened(resource, write=False)
    require(context.actor, action.permission)
    row = get_row(context, resource, row_id)
    if (version := expected_version()) is not None and version != row["version"]:
        raise StaleVersion(row)
    after = action.rule(context, [row_id], load(action.schema(), json_body()))
    return one(context, resource, after if isinstance(after, int) else row_id)


def _act_with(resource: Resource, action: Action) -> View:
    return lambda _self, row_id: act_view(resource, action, row_id)


def blueprint_of(resource: Resource) -> Blueprint:
    """Return the endpoints of a resource, each documented with what it takes and every answer it gives."""
    blueprint = Blueprint(f"api_{resource.name}", __name__, url_prefix=f"{PREFIX}/{resource.name}")
    docs = openapi.Docs(resource)
    collection: dict[str, Any] = {}
    if "list" in resource.api:
        collection["get"] = docs.list()(lambda self: list_view(resource))
    if "create" in resource.api:
        collection["post"] = docs.create()(idempotent(lambda self: create_view(resource)))
    if collection:
        blueprint.route("", endpoint="collection")(type("Collection", (MethodView,), collection))
    if resource.sync_key:
        methods: dict[str, Any] = {"post": docs.sync()(idempotent(lambda self: sync_view(resource)))}
        blueprint.route("/sync", endpoint="sync")(type("Sync", (MethodView,), methods))
    item: dict[str, Any] = {}
    if "get" in resource.api:
        item["get"] = docs.get()(lambda self, row_id: one(*opened(resource, write=False), row_id))
    if "update" in resource.api:
        item["patch"] = docs.update()(lambda self, row_id: update_view(resource, row_id))
    if "delete" in resource.api:
        item["delete"] = docs.delete()(lambda self, row_id: delete_view(resource, row_id))
    if item:
        blueprint.route("/<row_id:row_id>", endpoint="item")(type("Item", (MethodView,), item))
    if "restore" in resource.api and "deleted_at" in resource.table.c:
        methods = {"post": docs.restore()(idempotent(lambda self, row_id: restore_view(resource, row_id)))}
        blueprint.route("/<row_id:row_id>/restore", endpoint="restore")(type("Restore", (MethodView,), methods))
    for action in resource.actions if "get" in resource.api else ():
        methods = {"post": docs.action(action)(idempotent(_act_with(resource, action)))}
        blueprint.route(f"/<row_id:row_id>/{action.path}", endpoint=action.name)(
            type(f"{action.name.title()}Action", (MethodView,), methods)
        )
    if "history" in resource.api:
        methods = {"get": docs.history()(lambda self, row_id: history_view(resource, row_id))}
        blueprint.route("/<row_id:row_id>/history", endpoint="history")(type("History", (MethodView,), methods))
    return blueprint


def queued(context: Context, job_id: int) -> Response:
    """Answer that the work goes on in the background, and where to look."""
    applied = {"Preference-Applied": ASYNC} if ASYNC in preferences() else {}
    body = dump({"data": job_plain(get_own_job(context, job_id))})
    return answer(body, 202, Location=f"{PREFIX}/jobs/{job_id}", **applied)


def job_plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a job as the API shows it."""
    shown = ("id", "kind", "state", "done", "total", "counts", "message", "change_set_id")
    finished = row["finished_at"]
    return {
        **{name: row[name] for name in shown},
        "created_at": moment_text(row["created_at"]),
        "finished_at": moment_text(finished) if finished else None,
    }


def init_app(app: Flask, extra: list[Blueprint]) -> None:
    """Serve the API of every resource, the features' own endpoints, and the OpenAPI document."""
    app.config.update(
        API_TITLE="Quartermaster",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        OPENAPI_URL_PREFIX=PREFIX,
        OPENAPI_JSON_PATH="openapi.json",
        API_SPEC_OPTIONS=openapi.SPEC_OPTIONS,
    )
    api = NativeApi(app, spec_kwargs={"marshmallow_plugin": openapi.prepare(app)})
    openapi.complete(api)
    app.url_map.merge_slashes = False  # `//assets` is no address of ours
    app.before_request(authenticate)
    app.after_request(show_rehearsal)
    register_face("/api/", problem)
    from webapp.faces import api_bulk, api_jobs, jobs  # noqa: F401 they stand on this module; jobs register

    for resource in registry.resources.values():
        if resource.api:
            api.register_own(blueprint_of(resource))
        if {"update", "delete"} <= resource.api:
            api.register_own(api_bulk.bulk_blueprint(resource))
    for blueprint in (api_jobs.blueprint, *extra):
        api.register_blueprint(blueprint)
    openapi_names.finish(api.spec)
    app.extensions["without_parameters"] = without_parameters(app, api.spec.to_dict()["paths"])
    api.render()


def without_parameters(app: Flask, paths: Mapping[str, Any]) -> set[tuple[str, str]]:
    """Return (rule, method) of the endpoints that document no parameter of the query: any is refused as unknown."""
    found = set()
    for rule in app.url_map.iter_rules():
        for verb, operation in paths.get(re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), {}).items():
            if verb != "parameters" and not any(one.get("in") == "query" for one in operation["parameters"]):
                found.add((rule.rule, verb.upper()))
    return found
