import os
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from webapp.core.secrets import (
    SecretMissing,
    derive_key,
    is_setup_token,
    load_master_secret,
    setup_token,
    spend_setup_token,
)


def test_the_first_run_makes_a_secret_that_only_the_owner_may_read(tmp_path):
    master = load_master_secret(tmp_path / "new", has_data=False)

    (file,) = (tmp_path / "new").iterdir()
    assert len(master) == 32
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_second_run_finds_the_same_secret(tmp_path):
    first = load_master_secret(tmp_path, has_data=False)

    assert load_master_secret(tmp_path, has_data=True) == first


def test_processes_that_start_together_agree_on_one_secret(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: load_master_secret(tmp_path, has_data=False), range(32)))

    assert len(found) == 1
    assert len(os.listdir(tmp_path)) == 1


def test_a_lost_secret_with_data_in_the_database_stops_the_start(tmp_path):
    with pytest.raises(SecretMissing, match="backup"):
        load_master_secret(tmp_path, has_data=True)

    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("content", ["", "zz", "abcd"])
def test_a_damaged_secret_stops_the_start(tmp_path, content):
    load_master_secret(tmp_path, has_data=False)
    next(tmp_path.iterdir()).write_text(content)

    with pytest.raises(RuntimeError, match="damaged"):
        load_master_secret(tmp_path, has_data=True)


def test_each_purpose_has_its_own_key_by_hkdf():
    master = bytes(range(32))
    expected = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"quartermaster/api-keys").derive(master)

    assert derive_key(master, "api-keys") == expected
    assert derive_key(master, "sessions") != expected


def test_the_setup_token_is_stable_until_it_is_spent(tmp_path):
    token = setup_token(tmp_path)

    assert setup_token(tmp_path) == token
    assert is_setup_token(token, tmp_path)
    assert not is_setup_token(token + "x", tmp_path)
    spend_setup_token(tmp_path)
    assert not is_setup_token(token, tmp_path)


def test_a_name_with_foreign_letters_is_no_setup_token(tmp_path):
    setup_token(tmp_path)

    assert not is_setup_token("ключ", tmp_path)
