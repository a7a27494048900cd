"""What is kept on disk of a compiled network is what comes back, or nothing."""

import os
from io import BytesIO
from types import SimpleNamespace

import pytest

from bridge.engine import openvino_store
from bridge.engine.openvino_store import Store

PARTS = [b"one part", bytes(1000)]


def compiled(parts):
    return [SimpleNamespace(export_model=lambda part=part: BytesIO(part)) for part in parts]


def found(store):
    return [bytes(part) for part in store.find()]


@pytest.fixture
def store(tmp_path):
    made = Store(tmp_path / "kept", ("a key",), len(PARTS))
    made.keep(compiled(PARTS))
    return made


def test_it_comes_back(tmp_path, store):
    assert found(store) == PARTS
    assert found(Store(tmp_path / "kept", ("a key",), len(PARTS))) == PARTS
    with pytest.raises(OSError, match="No such file"):
        Store(tmp_path / "kept", ("another key",), len(PARTS)).find()


@pytest.mark.parametrize("name", ["0.blob", "1.blob", "sha256"])
@pytest.mark.parametrize("damage", ["cut", "changed", "longer", "empty", "gone"])
def test_damaged_files_are_none(tmp_path, store, name, damage):
    (file,) = (tmp_path / "kept").glob(f"*/{name}")
    data = file.read_bytes()
    if damage == "gone":
        file.unlink()
    else:
        made = {"cut": data[:-1], "changed": b"!" + data[1:], "longer": data + b"!", "empty": b""}
        file.write_bytes(made[damage])
    with pytest.raises((OSError, RuntimeError, ValueError)):
        store.find()
    store.keep(compiled(PARTS))
    assert found(store) == PARTS


def test_without_a_key_nothing_is_kept(tmp_path):
    Store(tmp_path / "kept", (), 1).keep(compiled([b"part"]))
    assert not (tmp_path / "kept").exists()


@pytest.mark.parametrize("error", [OSError, RuntimeError, MemoryError])
def test_what_cannot_be_written_leaves_nothing(tmp_path, error):
    def fail():
        raise error

    broken = [*compiled(PARTS[:1]), SimpleNamespace(export_model=fail)]
    Store(tmp_path, ("a key",), 2).keep(broken)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_is_done_without(tmp_path):
    (tmp_path / "file").touch()
    Store(tmp_path / "file", ("a key",), 1).keep(compiled([b"part"]))
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_more_than_may_be_kept_drops_what_was_used_longest_ago(tmp_path, monkeypatch):
    keys = [(f"key {number}",) for number in range(4)]
    for number, key in enumerate(keys):
        Store(tmp_path, key, 1).keep(compiled([bytes(1000)]))
        os.utime(Store(tmp_path, key, 1)._path, (number, number))
    Store(tmp_path, keys[1], 1).find()
    (tmp_path / "a file").touch()
    monkeypatch.setattr(openvino_store, "KEPT_BYTES", 2500)
    Store(tmp_path, ("the newest",), 1).keep(compiled([bytes(1000)]))
    left = [key for key in keys if Store(tmp_path, key, 1)._path.exists()]
    assert left == [keys[1]]
