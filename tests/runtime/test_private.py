"""Files that only their owner may read or change, whatever was there before."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from bridge.errors import ServerError
from bridge.runtime.private import (
    make_private_folder,
    read_private,
    write_private,
    write_private_once,
)

pytestmark = pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
ROOT = pytest.mark.skipif(os.name == "posix" and os.geteuid() != 0, reason="gives files away")
NOBODY = 65534


@pytest.fixture(autouse=True, params=[0o022, 0], ids=["usual", "wide open"])
def umask(request):
    before = os.umask(request.param)
    yield
    os.umask(before)


def mode(path):
    return stat.S_IMODE(path.lstat().st_mode)


def test_what_is_made_is_private_at_once_whatever_the_umask(tmp_path):
    folder = tmp_path / "a" / "b"
    make_private_folder(folder)
    make_private_folder(folder)
    write_private(folder / "file", b"one")
    write_private(folder / "file", b"two")
    assert write_private_once(folder / "once", b"first")
    assert not write_private_once(folder / "once", b"second")
    assert (mode(folder), mode(folder / "file"), mode(folder / "once")) == (0o700, 0o600, 0o600)
    assert read_private(folder / "file", 3, secret=True) == b"two"
    assert read_private(folder / "once", 5, secret=True) == b"first"
    assert {path.name for path in folder.iterdir()} == {"file", "once"}


@pytest.mark.parametrize("bits", [0o040, 0o004, 0o020, 0o002, 0o010, 0o001])
def test_a_folder_that_is_open_to_others_is_refused(bits, tmp_path):
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o700 | bits)
    with pytest.raises(ServerError, match=rf"open to other users \(mode {0o700 | bits:o}\)"):
        make_private_folder(tmp_path / "open")
    assert mode(tmp_path / "open") == 0o700 | bits


@pytest.mark.parametrize(
    ("bits", "secret"),
    [(0o040, True), (0o004, True), (0o020, True), (0o020, False), (0o002, False)],
)
def test_a_file_that_is_open_to_others_is_refused(bits, secret, tmp_path):
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "file").chmod(0o600 | bits)
    with pytest.raises(ServerError, match=r"open to other users \(mode 6.*`chmod 600 "):
        read_private(tmp_path / "file", 10, secret=secret)


def test_a_file_that_is_no_secret_may_be_read_by_others(tmp_path):
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "file").chmod(0o644)
    assert read_private(tmp_path / "file", 10, secret=False) == b"x"


def test_links_and_what_is_no_file_are_refused(tmp_path):
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    (tmp_path / "nowhere").symlink_to(tmp_path / "missing")
    (tmp_path / "folder").mkdir(0o700)
    (tmp_path / "link to folder").symlink_to(tmp_path / "folder")
    os.mkfifo(tmp_path / "pipe", 0o600)
    for name in ("link", "nowhere", "folder", "pipe"):
        with pytest.raises(ServerError):
            read_private(tmp_path / name, 10, secret=True)
    for name in ("link to folder", "nowhere", "file", "pipe"):
        with pytest.raises(ServerError):
            make_private_folder(tmp_path / name)
    assert not write_private_once(tmp_path / "nowhere", b"x")
    assert not (tmp_path / "missing").exists()


def test_a_link_is_replaced_and_not_written_through(tmp_path):
    (tmp_path / "file").write_bytes(b"kept")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    write_private(tmp_path / "link", b"new")
    assert (tmp_path / "file").read_bytes() == b"kept"
    assert read_private(tmp_path / "link", 10, secret=True) == b"new"


def test_a_file_that_is_too_long_is_refused_and_one_that_is_missing_is_missing(tmp_path):
    write_private(tmp_path / "file", bytes(11))
    with pytest.raises(ServerError, match="more than 10 bytes"):
        read_private(tmp_path / "file", 10, secret=True)
    assert read_private(tmp_path / "file", 11, secret=True) == bytes(11)
    with pytest.raises(FileNotFoundError):
        read_private(tmp_path / "missing", 10, secret=True)


@ROOT
def test_what_belongs_to_others_is_refused(tmp_path):
    make_private_folder(tmp_path / "folder")
    write_private(tmp_path / "file", b"x")
    for name in ("folder", "file"):
        os.chown(tmp_path / name, NOBODY, NOBODY)
    with pytest.raises(ServerError, match=f"belongs to user {NOBODY}, not to you"):
        make_private_folder(tmp_path / "folder")
    with pytest.raises(ServerError, match=f"belongs to user {NOBODY}, not to you"):
        read_private(tmp_path / "file", 10, secret=False)


@ROOT
def test_a_place_in_which_others_could_exchange_the_folder_is_refused(tmp_path):
    (tmp_path / "theirs").mkdir()
    os.chown(tmp_path / "theirs", NOBODY, NOBODY)
    with pytest.raises(ServerError, match="exchanged by another user"):
        make_private_folder(tmp_path / "theirs" / "folder")


def test_a_shared_folder_is_good_enough_only_if_nobody_may_rename_others_files(tmp_path):
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o777)
    with pytest.raises(ServerError, match="exchanged by another user"):
        make_private_folder(tmp_path / "shared" / "folder")
    (tmp_path / "shared").chmod(0o1777)
    make_private_folder(tmp_path / "shared" / "folder")


def test_a_place_that_cannot_be_written_is_said_in_words():
    with pytest.raises(ServerError, match="cannot be used: Not a directory"):
        make_private_folder(Path(os.devnull) / "keys")
