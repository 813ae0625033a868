import hashlib
import io

import pytest
from flask import Flask

from webapp.core.errors import NotFound, TooLarge
from webapp.core.files import Store, store


@pytest.fixture(params=["folder", "memory"])
def files(request, tmp_path):
    return Store(str(tmp_path / "files") if request.param == "folder" else f"memory://{tmp_path.name}")


def everything_in(files):
    return files.system.find(files.root)


def test_what_was_saved_can_be_read(files):
    saved = files.save(io.BytesIO(b"hello"), organization_id=7)

    with files.open(saved.key, 7) as stream:
        assert stream.read() == b"hello"
    assert (saved.size, saved.sha256) == (5, hashlib.sha256(b"hello").hexdigest())


def test_another_organizations_file_is_not_found(files):
    saved = files.save(io.BytesIO(b"hello"), organization_id=7)

    with pytest.raises(NotFound):
        files.open(saved.key, 8)
    with pytest.raises(NotFound):
        files.delete(saved.key, 8)


@pytest.mark.parametrize("key", ["7/../8/ab/cd", "7/ab/../../../etc/passwd", "/etc/passwd", "7", ""])
def test_a_made_up_key_is_not_found(files, key):
    with pytest.raises(NotFound):
        files.open(key, 7)


def test_a_stream_over_the_limit_leaves_nothing(files):
    with pytest.raises(TooLarge):
        files.save(io.BytesIO(b"x" * 101), organization_id=7, limit=100)

    assert everything_in(files) == []


def test_a_stream_of_exactly_the_limit_is_taken(files):
    assert files.save(io.BytesIO(b"x" * 100), organization_id=7, limit=100).size == 100


def test_a_stream_that_breaks_off_leaves_nothing(files):
    class Broken(io.RawIOBase):
        def read(self, size=-1):
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        files.save(Broken(), organization_id=7)

    assert everything_in(files) == []


def test_a_deleted_file_is_not_found_and_can_be_deleted_again(files):
    saved = files.save(io.BytesIO(b"hello"), organization_id=7)

    files.delete(saved.key, 7)
    files.delete(saved.key, 7)

    with pytest.raises(NotFound):
        files.open(saved.key, 7)


def test_an_application_has_one_store(tmp_path):
    app = Flask("files")
    app.config["STORAGE_URL"] = str(tmp_path)

    with app.app_context():
        assert store() is store()
