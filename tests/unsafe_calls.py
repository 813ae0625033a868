"""A valid request for every unsafe endpoint of the API, for the suites that send each of them."""

import io
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flask import Flask

from tests.clients import UNSAFE, ApiClient
from tests.factories import CHANGES, RESOURCES, SHARED, make, patch_for
from tests.households import Household, unique
from tests.rows import any_category
from webapp.core.activity import history
from webapp.core.jobs import run_job
from webapp.imports import mappings
from webapp.imports import rules as imports

API = "/api/v1/"
SIGNING_OUT = {"/api/v1/auth/logout"}  # sent again it is refused: its token is over


@dataclass(frozen=True)
class Call:
    """A request as a client sends it: the method, the path below /api/v1, and what the client's methods take."""

    method: str
    path: str
    json: Any = None
    options: dict[str, Any] = field(default_factory=dict)

    def send(self, api: ApiClient, **headers: str) -> Any:
        """Send it, with some headers; what is uploaded is read anew."""
        options = {name: value() if callable(value) else value for name, value in self.options.items()}
        return api.request(self.method, self.path, self.json, headers=headers, **options)


def unsafe_rules(app: Flask, methods: frozenset[str] = UNSAFE) -> list[tuple[str, str]]:
    """Return (method, rule) of every unsafe endpoint of the API that needs a token."""
    found = set()
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        if rule.rule.startswith(API) and not getattr(view, "is_public", False) and rule.rule not in SIGNING_OUT:
            found |= {(method, rule.rule.removeprefix(API)) for method in (rule.methods or set()) & methods}
    return sorted(found)


def call_for(household: Household, api: ApiClient, method: str, rule: str) -> Call:
    """Return a request that an endpoint answers with success to a client; what it is about is made."""
    known = BY_HAND.get((method, rule))
    if known is not None:
        return known(household, api)
    kind, _slash, rest = rule.partition("/")
    act = re.sub(r"<.*?>/?", "", rest) if rest else ""
    if kind not in RESOURCES or (method, act) not in GENERIC:
        raise LookupError(f"{method} {rule}: say in tests/unsafe_calls.py how it is called")
    return GENERIC[method, act](household, kind)


def _made(household: Household, kind: str) -> int:
    """Return a row that nothing keeps and that may be changed."""
    return make(household, kind, **{"locations": {"kind": "bin", "is_active": True}}.get(kind, {}))


def _change(kind: str) -> dict[str, Any]:
    single = {rule.field for rule in RESOURCES[kind].unique}
    return {name: value for name, value in CHANGES[kind].items() if name not in single}


def _create(household: Household, kind: str) -> Call:
    return Call("POST", kind, patch_for(household, kind))


def _update(household: Household, kind: str) -> Call:
    return Call("PATCH", f"{kind}/{_made(household, kind)}", _change(kind))


def _delete(household: Household, kind: str) -> Call:
    return Call("DELETE", f"{kind}/{_made(household, kind)}")


def _restore(household: Household, kind: str) -> Call:
    row_id = _made(household, kind)
    household.api_client().delete(f"{kind}/{row_id}")
    return Call("POST", f"{kind}/{row_id}/restore")


def _sync(household: Household, kind: str) -> Call:
    key = {"email": "synced@example.org"}.get(str(RESOURCES[kind].sync_key), "Synced")
    return Call("POST", f"{kind}/sync", {kind: [patch_for(household, kind) | {RESOURCES[kind].sync_key: key}]})


def _bulk(household: Household, kind: str) -> Call:
    ids = [_made(household, kind) for _ in range(2)]
    return Call("POST", f"{kind}/bulk", {"action": "update", "ids": ids, "values": _change(kind)})


def _merge(household: Household, kind: str) -> Call:
    same = SHARED.get(kind, {})
    ids = [make(household, kind, **same | ({"kind": "site"} if kind == "locations" else {})) for _ in range(2)]
    return Call("POST", f"{kind}/{ids[0]}/merge", {"into_id": ids[1]})


def _move(household: Household, kind: str) -> Call:
    site = make(household, kind, kind="site", parent_id=None)
    return Call("POST", f"{kind}/{make(household, kind, kind='bin', parent_id=None)}/move", {"parent_id": site})


GENERIC: dict[tuple[str, str], Callable[[Household, str], Call]] = {
    ("POST", ""): _create,
    ("PATCH", ""): _update,
    ("DELETE", ""): _delete,
    ("POST", "restore"): _restore,
    ("POST", "sync"): _sync,
    ("POST", "bulk"): _bulk,
    ("POST", "merge"): _merge,
    ("POST", "move"): _move,
}


def _invitation(household: Household) -> int:
    return make(household, "invitations")


def _job(household: Household, api: ApiClient) -> Call:
    """A job of the client's own: what it does does not matter while no worker runs."""
    row_id = make(household, "locations")
    body = {"action": "update", "ids": [row_id], "values": {"city": "Porto"}}
    job_id = api.post("locations/bulk", body, headers={"Prefer": "respond-async"}).json["data"]["id"]
    return Call("POST", f"jobs/{job_id}/cancel")


def _change_set(household: Household, api: ApiClient) -> Call:
    row_id = api.post("locations", {"name": "Undone", "kind": "site", "city": "Porto"}).json["data"]["id"]
    with household.context() as context:
        change_set_id = history(context, RESOURCES["locations"], row_id)[0]["change_set_id"]
    return Call("POST", f"changes/{change_set_id}/undo")


def _sheet() -> bytes:
    return f"Tag,Name,Category\n{unique('T')},Camera,Things\n".encode()


def _upload(household: Household, _api: ApiClient) -> Call:
    sheet = _sheet()
    return Call(
        "POST", "imports", options={"data": lambda: {"file": (io.BytesIO(sheet), "list.csv"), "resource": "assets"}}
    )


def _import(household: Household, *, work: bool = True, applied: bool = False) -> int:
    """Return an import whose check waits, a checked one, or an applied one."""
    with household.context() as context:
        any_category(context)
        import_id = imports.upload(context, "assets", io.BytesIO(_sheet()), "list.csv")
        context.session.commit()
    if work:
        _work(household, import_id)
    if applied:
        with household.context() as context:
            imports.apply(context, import_id)
            context.session.commit()
        _work(household, import_id)
    return import_id


def _work(household: Household, import_id: int) -> None:
    with household.context(write=False) as context:
        job_id = imports.get_import(context, import_id)["job_id"]
    with household.app.app_context():
        run_job(household.id, job_id)


def _mapping(household: Household) -> int:
    with household.context() as context:
        mapping_id = mappings.make(context, "assets", unique("Lab sheet"), {"Name": "name"}, {})
        context.session.commit()
    return int(mapping_id)


def _new_mapping(household: Household, _api: ApiClient) -> Call:
    body = {"resource": "assets", "name": unique("Lab sheet"), "columns": {"Name": "name"}}
    return Call("POST", "imports/mappings", body)


def _webhook(act: str) -> Callable[[Household, ApiClient], Call]:
    return lambda household, _api: Call("POST", f"webhooks/{make(household, 'webhooks')}/{act}")


def _resend(household: Household, api: ApiClient) -> Call:
    webhook = make(household, "webhooks")
    message = api.post(f"webhooks/{webhook}/test").json["data"]["id"]
    return Call("POST", f"webhooks/{webhook}/deliveries/{message}/resend")


def _imports(method: str, rest: str = "", body: Any = None, **state: bool) -> Callable[[Household, ApiClient], Call]:
    return lambda household, _api: Call(method, f"imports/{_import(household, **state)}{rest}", body)


def _mapping_call(household: Household, method: str) -> Call:
    body = {"name": unique("Renamed")} if method == "PATCH" else None
    return Call(method, f"imports/mappings/{_mapping(household)}", body)


def _enable(household: Household, api: ApiClient) -> Call:
    webhook = make(household, "webhooks")
    api.patch(f"webhooks/{webhook}", {"is_active": False})
    return Call("POST", f"webhooks/{webhook}/enable", {"start": "now"})


BY_HAND: dict[tuple[str, str], Callable[[Household, ApiClient], Call]] = {
    ("POST", "invitations/<row_id:row_id>/send"): lambda h, _api: Call("POST", f"invitations/{_invitation(h)}/send"),
    ("POST", "jobs/<row_id:row_id>/cancel"): _job,
    ("POST", "changes/<uuid:change_set_id>/undo"): _change_set,
    ("POST", "imports"): _upload,
    ("PATCH", "imports/<row_id:row_id>"): _imports("PATCH", body={"columns": {"1": None}}),
    ("DELETE", "imports/<row_id:row_id>"): _imports("DELETE"),
    ("PATCH", "imports/<row_id:row_id>/rows/<row_id:number>"): _imports("PATCH", "/rows/2", {"skip": True}),
    ("POST", "imports/<row_id:row_id>/apply"): _imports("POST", "/apply"),
    ("POST", "imports/<row_id:row_id>/stop"): _imports("POST", "/stop", work=False),
    ("POST", "imports/<row_id:row_id>/undo"): _imports("POST", "/undo", applied=True),
    ("POST", "imports/mappings"): _new_mapping,
    ("PATCH", "imports/mappings/<row_id:mapping_id>"): lambda h, _api: _mapping_call(h, "PATCH"),
    ("DELETE", "imports/mappings/<row_id:mapping_id>"): lambda h, _api: _mapping_call(h, "DELETE"),
    ("POST", "exports/<row_id:row_id>/run"): lambda h, _api: Call("POST", f"exports/{make(h, 'exports')}/run", {}),
    ("POST", "webhooks/<row_id:row_id>/enable"): _enable,
    ("POST", "webhooks/<row_id:row_id>/rotate-secret"): _webhook("rotate-secret"),
    ("POST", "webhooks/<row_id:row_id>/test"): _webhook("test"),
    ("POST", "webhooks/<row_id:row_id>/deliveries/<row_id:delivery_id>/resend"): _resend,
}
