"""A client that openapi-python-client makes of our document does a whole journey: the document says what is true."""

import importlib
import subprocess
import sys
from functools import partial
from pathlib import Path

import httpx
import orjson
import pytest

from tests.households import PASSWORD, found_organization

GENERATOR = Path(sys.executable).parent / "openapi-python-client"
SETTINGS = "project_name_override: quartermaster\npackage_name_override: quartermaster_client\npost_hooks: []\n"
NAME = "quartermaster_client"


@pytest.fixture(scope="module")
def generated(app, tmp_path_factory):
    """What the generator says, and the package that it makes, ready to be imported."""
    folder = tmp_path_factory.mktemp("client")
    (folder / "openapi.json").write_bytes(orjson.dumps(app.test_client().get("/api/v1/openapi.json").json))
    (folder / "config.yml").write_text(SETTINGS)
    command = [GENERATOR, "generate", "--path", "openapi.json", "--config", "config.yml", "--meta", "none"]
    made = subprocess.run([*command, "--output-path", NAME], cwd=folder, capture_output=True, text=True)
    sys.path.insert(0, str(folder))
    yield made
    sys.path.remove(str(folder))
    for name in [name for name in sys.modules if name.partition(".")[0] == NAME]:
        del sys.modules[name]


class Library:
    """The generated package: `library.call("assets_create", body=…)`, `library.model("Asset")`."""

    def __init__(self, app, token=None):
        package = importlib.import_module(NAME)
        self.models = importlib.import_module(f"{NAME}.models")
        options = {"base_url": "http://localhost", "httpx_args": {"transport": httpx.WSGITransport(app=app)}}
        self.client = package.AuthenticatedClient(token=token, **options) if token else package.Client(**options)

    def call(self, name, *args, status=200, **values):
        """Call an operation and return its answer as the package reads it, with its headers."""
        heading = next(p for p in (name.split("_")[:n] for n in (2, 1)) if self._is_heading("_".join(p)))
        module = importlib.import_module(f"{NAME}.api.{'_'.join(heading)}.{name}")
        answer = module.sync_detailed(*args, client=self.client, **values)
        assert answer.status_code == status, answer.content
        return answer

    def _is_heading(self, name):
        return importlib.util.find_spec(f"{NAME}.api.{name}") is not None

    def __getattr__(self, name):
        return partial(self.call, name)


def test_the_generator_takes_every_operation_without_a_warning(generated, app):
    assert generated.returncode == 0, generated.stderr
    assert "warning" not in (generated.stdout + generated.stderr).lower()
    folder = Path(generated.args[-1] if Path(generated.args[-1]).is_absolute() else sys.path[0]) / NAME / "api"
    document = app.test_client().get("/api/v1/openapi.json").json
    names = {op["operationId"] for item in document["paths"].values() for op in item.values() if isinstance(op, dict)}
    assert {path.stem for path in folder.glob("*/*.py")} - {"__init__"} == names


def test_a_generated_client_signs_in_and_takes_a_thing_through_its_life(generated, app):
    household = found_organization(app)
    guest = Library(app)
    models = guest.models
    tokens = guest.auth_login(body=models.Login(email=household.email, password=PASSWORD)).parsed
    own = Library(app, tokens.access_token)
    assert own.me_get().parsed.data.organization.slug == household.tenant.slug

    place = own.locations_create(
        body=models.Location(name="Lisbon", kind=models.LocationKind.SITE), status=201
    ).parsed.data
    category = own.categories_create(body=models.Category(name="Cameras"), status=201).parsed.data
    product = own.products_create(body=models.Product(name="FX3", category_id=category.id), status=201).parsed.data
    ids = []
    for number in range(3):
        body = models.Asset(name=f"Body {number}", product_id=product.id, location_id=place.id, purchase_cost="4290.00")
        first = own.assets_create(body=body, idempotency_key=f"make-{number}", status=201)
        again = own.assets_create(body=body, idempotency_key=f"make-{number}", status=201)
        assert first.parsed.data.id == again.parsed.data.id
        ids.append(first.parsed.data.id)

    page = own.assets_list(location_id=place.id, sort="id", per_page=2).parsed
    rest = own.assets_list(location_id=place.id, sort="id", per_page=2, cursor=page.pagination.next_cursor).parsed
    assert [row.id for row in (*page.data, *rest.data)] == ids
    assert (page.data[0].category, page.data[0].purchase_cost, page.pagination.total) == ("Cameras", "4290.00", 3)

    change = models.AssetPatch(notes="Lent to the film unit")
    etag = own.assets_get(ids[0]).headers["ETag"]
    changed = own.assets_update(ids[0], body=change, if_match=etag).parsed.data
    assert (changed.notes, changed.purchase_cost) == ("Lent to the film unit", "4290.00")
    stale = own.assets_update(ids[0], body=models.AssetPatch(notes="Late"), if_match=etag, status=412)
    assert stale.parsed.code == "stale_version"

    rows = [models.AssetSyncItem(serial_number="SN1", name="Lens", category="Cameras", location="Lisbon"),
            models.AssetSyncItem(serial_number="SN2", name="Tripod", category="Tripods")]  # fmt: skip
    result = own.assets_sync(body=models.AssetsSyncBody(assets=rows)).parsed.data
    assert [row.serial_number for row in result.created] == ["SN1"]
    assert [row.errors[0].field for row in result.failed] == ["category"]

    (newest, oldest) = own.assets_history(ids[0]).parsed.data
    assert (newest.event, newest.actor_name, newest.changes[0].field) == ("Update", "Olive Owner", "notes")
    assert oldest.event == "Create"

    own.assets_delete(ids[0], status=204)
    own.assets_get(ids[0], status=404)
    assert own.assets_restore(ids[0]).parsed.data.notes == "Lent to the film unit"

    renewed = guest.auth_refresh(body=models.Renew(refresh_token=tokens.refresh_token)).parsed
    Library(app, renewed.access_token).auth_logout(status=204)
    own.me_get(status=401)


def test_a_generated_client_is_told_what_is_wrong(generated, app):
    own = Library(app, found_organization(app).api_client().token)
    models = own.models

    problem = own.assets_create(body=models.Asset(category_id=999_999, name="Nothing"), status=422).parsed

    assert [(error.field, error.message) for error in problem.errors] == [("category_id", "does not exist")]
    assert problem.request_id
