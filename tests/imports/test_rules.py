"""What happens to the rows of an import."""

import pytest

from tests.imports.conftest import Importer
from webapp.imports import rules


def test_smoke(importer: Importer):
    import_id = importer.upload(
        "Tag,Name,Category,Location,Price,Bought\nA-1,Drill,Tools,HQ / Floor 2,€ 12.50,1/23/24\nA-2,Saw,Tools,HQ,3,1/2/24\n"
    )
    print({k: importer.get(import_id)[k] for k in ("state", "counts", "missing", "kept", "message", "cursor")})
    print(importer.rows(import_id))
    importer.do(rules.change, import_id, options={"create": ["categories", "locations"]})
    print({k: importer.get(import_id)[k] for k in ("state", "counts", "missing", "kept", "message", "cursor")})
    print(importer.rows(import_id))
    importer.do(rules.apply, import_id)
    print({k: importer.get(import_id)[k] for k in ("state", "counts", "missing", "kept", "message", "cursor")})
    print(importer.living())
    print(importer.living("locations"))
    importer.do(rules.undo, import_id)
    print({k: importer.get(import_id)[k] for k in ("state", "counts", "missing", "kept", "message", "cursor")})
    print(importer.living(), importer.living("locations"), importer.living("categories"))
    assert 0
