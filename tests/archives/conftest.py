"""Archives for tests: a small organization with something of everything, and files that were tampered with."""

import io
import zipfile
from collections.abc import Callable
from hashlib import sha256

import orjson
import pytest
from flask import Flask

from tests.factories import make, workshop
from tests.households import Household, found_organization, unique
from webapp.archives.outgoing import write_archive
from webapp.core.jobs import run_job
from webapp.core.resource import registry
from webapp.faces.saved_views import save_view
from webapp.imports import rules as imports

MANY = ("assets", "locations", "persons", "products", "categories")


def furnish(household: Household) -> Household:
    """Give an organization rows of every kind, own fields with values, a container, views, an import with its file."""
    for name in ("custom-fields", "field-sets", "suppliers", "customers", "depreciations", "departments", *MANY, *MANY):
        make(household, name)
    api = household.api_client()
    field = {"name": "RAM", "resource": "assets", "kind": "number"}
    assert api.post("custom-fields", field).status_code == 201
    first, second = (make(household, "assets") for _ in range(2))
    changes = {"parent_id": second, "custom": {"ram": "16.5"}, "purchase_cost": "1250.0625"}
    assert api.patch(f"assets/{first}", changes).status_code == 200
    boss, place = make(household, "persons"), make(household, "locations")
    assert api.patch(f"locations/{place}", {"manager_id": boss}).status_code == 200
    assert api.delete(f"assets/{make(household, 'assets')}").status_code == 204
    with workshop(household) as shop:
        assets = registry.resources["assets"]
        save_view(shop.context, assets, "Inside", f"parent_id={second}&location_id_in={place}&q=x", shared=True)
        file = io.BytesIO(b"Name,Category\nThermal camera,Cameras\n")
        import_id = imports.upload(shop.context, "assets", file, "cameras.csv")
        job_id = imports.get_import(shop.context, import_id)["job_id"]
    with household.app.app_context():
        run_job(household.id, job_id)
    return household


@pytest.fixture(scope="module")
def kestrel(app: Flask) -> Household:
    """An organization with something of everything, which no test changes."""
    return furnish(found_organization(app, unique("Kestrel")))


def archive_of(household: Household) -> bytes:
    """Return an organization's archive."""
    file = io.BytesIO()
    with household.app.app_context():
        write_archive(household.tenant, file)
    return file.getvalue()


@pytest.fixture(scope="module")
def archive(kestrel: Household) -> bytes:
    """Its archive."""
    return archive_of(kestrel)


def parts_of(archive: bytes) -> dict[str, bytes]:
    """Return the parts of an archive by name."""
    with zipfile.ZipFile(io.BytesIO(archive)) as file:
        return {name: file.read(name) for name in file.namelist()}


def packed(parts: dict[str, bytes], digests: bool = True, **manifest: object) -> bytes:
    """Return an archive of some parts, whose manifest fits them unless `digests` are to stay what they were."""
    told = orjson.loads(parts["manifest.json"]) | manifest
    if digests:
        told["parts"] = [
            {"name": name, "bytes": len(content), "sha256": sha256(content).hexdigest()}
            for name, content in parts.items()
            if name != "manifest.json"
        ]
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in (parts | {"manifest.json": orjson.dumps(told)}).items():
            target.writestr(name, content)
    return file.getvalue()


Change = Callable[[dict[str, object]], None]


def with_row(archive: bytes, table: str, change: Change) -> bytes:
    """Return an archive in which the first row of a table was changed by hand, digests and all."""
    parts = parts_of(archive)
    name = f"tables/{table}.jsonl"
    first, _, rest = parts[name].partition(b"\n")
    row = orjson.loads(first)
    change(row)
    return packed(parts | {name: orjson.dumps(row) + b"\n" + rest})
