"""Keys: where they are kept, who may read them, and which clients they let in."""

from __future__ import annotations

import os
import stat
import threading

import pytest
import zmq
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from zmq.utils import z85

from bridge.errors import ServerError, UsageError
from bridge.runtime import keys

KEY = bytes(range(32))
OTHER = bytes(range(1, 33))


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("STEMBRIDGE_CONFIG_DIR", str(tmp_path / "config"))
    return tmp_path / "config" / "keys"


def test_a_key_pair_is_made_once_and_is_one(folder):
    pair = keys.client_keys()
    assert zmq.curve_public(z85.encode(pair.secret)) == z85.encode(pair.public)
    assert keys.client_keys() == pair
    assert keys.server_keys() != pair
    assert keys.own_public_key("client") == pair.public.hex()
    assert pair.secret.hex() not in repr(pair)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for role in ("client", "server"):
        assert stat.S_IMODE((folder / f"{role}.secret").stat().st_mode) == 0o600


def test_looking_makes_nothing(folder):
    assert keys.own_public_key("server") == ""
    assert keys.allowed() == {}
    assert not keys.is_allowed(KEY)
    assert not folder.exists()


def test_many_at_once_agree_on_one_key():
    found = []
    threads = [threading.Thread(target=lambda: found.append(keys.server_keys())) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 16
    assert len({pair.secret for pair in found}) == 1


def test_a_secret_that_others_could_read_is_not_used(folder):
    keys.server_keys()
    (folder / "server.secret").chmod(0o640)
    with pytest.raises(ServerError, match=r"server\.secret is open to other users"):
        keys.server_keys()
    (folder / "server.secret").chmod(0o600)
    folder.chmod(0o750)
    with pytest.raises(ServerError, match="keys is open to other users"):
        keys.server_keys()


@pytest.mark.parametrize("content", [b"", b"x" * 64, b"0" * 63, b"0" * 65, bytes(64), b"0" * 1000])
def test_a_damaged_secret_is_named(content, folder):
    keys.server_keys()
    (folder / "server.secret").write_bytes(content)
    with pytest.raises(ServerError, match=r"server\.secret .*remove it"):
        keys.server_keys()


def test_a_key_is_allowed_until_it_is_removed():
    keys.allow("laptop", KEY)
    keys.allow("laptop", KEY)
    keys.allow("Studio-2.local", OTHER)
    assert keys.allowed() == {"laptop": KEY, "Studio-2.local": OTHER}
    assert keys.is_allowed(KEY)
    keys.remove("laptop")
    assert not keys.is_allowed(KEY)
    assert keys.is_allowed(OTHER)
    with pytest.raises(UsageError, match="no key is named 'laptop'"):
        keys.remove("laptop")


def test_a_name_has_one_key_and_a_key_one_name():
    keys.allow("laptop", KEY)
    with pytest.raises(UsageError, match="laptop has another key; `stembridge keys remove laptop`"):
        keys.allow("laptop", OTHER)
    with pytest.raises(UsageError, match="this key is allowed already, as laptop"):
        keys.allow("desk", KEY)
    assert keys.allowed() == {"laptop": KEY}


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "-x", "a b", "a\n", "ä", "x" * 65])
def test_what_is_no_name_is_refused(name):
    with pytest.raises(UsageError, match="is not a name for a key"):
        keys.allow(name, KEY)
    assert keys.allowed() == {}


@given(st.binary(min_size=32, max_size=32))
def test_a_key_survives_being_typed(key):
    assert keys.parse_key(key.hex()) == key
    assert keys.parse_key(f"  {key.hex().upper()}\n") == key


@pytest.mark.parametrize(
    "text", ["", "0" * 63, "0" * 65, "g" * 64, "0 " * 32, "0x" + "0" * 62, "٣" * 64, "a" * 9999]
)
def test_what_is_no_key_is_refused_in_one_short_line(text):
    with pytest.raises(UsageError, match="copy the 64 digits") as caught:
        keys.parse_key(text)
    assert len(str(caught.value)) < 200


def test_in_doubt_a_key_is_not_allowed(folder):
    keys.allow("laptop", KEY)
    path = folder / "allowed" / KEY.hex()
    path.chmod(0o666)
    assert not keys.is_allowed(KEY)
    with pytest.raises(ServerError, match="open to other users"):
        keys.allowed()
    path.chmod(0o600)
    path.write_text("no/name")
    assert not keys.is_allowed(KEY)
    path.unlink()
    path.symlink_to(os.devnull)
    assert not keys.is_allowed(KEY)


def test_a_folder_of_keys_that_others_may_write_to_is_refused(folder):
    keys.allow("laptop", KEY)
    (folder / "allowed").chmod(0o777)
    with pytest.raises(ServerError, match="open to other users"):
        keys.allowed()


def test_other_files_in_the_folder_are_no_keys(folder):
    keys.allow("laptop", KEY)
    (folder / "allowed" / ".DS_Store").write_bytes(b"x")
    (folder / "allowed" / KEY.hex().upper().replace("0", "G")).write_bytes(b"x")
    assert keys.allowed() == {"laptop": KEY}


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=64))
def test_whatever_comes_for_a_key_is_an_answer(key):
    assert not keys.is_allowed(key)
