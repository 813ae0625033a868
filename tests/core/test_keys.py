import re

import pytest

from webapp.core.keys import is_well_formed, make_key, prefix_of, secret_hash_of


@pytest.fixture
def key(app):
    with app.app_context():
        yield make_key()


def test_a_key_names_itself_and_ends_with_its_checksum(key):
    assert re.fullmatch(r"qm_live_[0-9a-f]{8}_[0-9A-Za-z]{49}", key.token)
    assert is_well_formed(key.token)


def test_the_prefix_is_the_part_that_may_be_shown(key):
    assert prefix_of(key.token) == key.prefix == key.token[:16]


def test_only_a_keyed_hash_is_kept(key):
    assert re.fullmatch(r"[0-9a-f]{64}", key.secret_hash)
    assert key.secret_hash == secret_hash_of(key.token)
    assert key.token not in key.secret_hash


def test_two_keys_have_nothing_in_common(key):
    assert make_key().token != key.token


@pytest.mark.parametrize("position", [0, 8, 17, 30, 59, 65])
def test_a_mistyped_key_is_known_by_its_checksum(key, position):
    wrong = "1" if key.token[position] != "1" else "2"

    assert not is_well_formed(key.token[:position] + wrong + key.token[position + 1 :])


@pytest.mark.parametrize("token", ["", "qm_live_", "qm_live_00000000_é", "x" * 66, "qm_live_00000000_" + "A" * 49])
def test_what_is_no_key_is_not_well_formed(token):
    assert not is_well_formed(token)
