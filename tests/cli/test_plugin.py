"""`stembridge plugin` as a user runs it. Bundles are plain folders here; hosts come elsewhere."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.errors import ServerError
from bridge.runtime.connection import read_connection
from tests.cli.helpers import COMMAND, Ended, refused
from tests.server.sidecar import is_running, wait_until

NAMES = ("Stem Bridge.vst3", "Stem Bridge.lv2")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="folders of hosts on Linux")


class User:
    """Somebody with a home, and a build of the plug-in."""

    def __init__(self, folder: Path) -> None:
        self.home, self.build = folder / "home", folder / "build"
        self.home.mkdir()
        self.file = folder / "config" / "plugin.json"
        self.environment = {
            **os.environ,
            "HOME": str(self.home),
            "STEMBRIDGE_CONFIG_DIR": str(self.file.parent),
            "STEMBRIDGE_RUNTIME_DIR": str(folder / "r"),
        }
        self.places = [self.home / ".vst3" / NAMES[0], self.home / ".lv2" / NAMES[1]]

    def make(self, content: str = "1") -> None:
        for kind, name in zip(("VST3", "LV2"), NAMES, strict=True):
            inner = self.build / "plugin" / kind / name / "Contents"
            inner.mkdir(parents=True, exist_ok=True)
            (inner / "library.so").write_text(content)
            (inner / "library.so").chmod(0o755)

    def plugin(self, *arguments: str | Path) -> Ended:
        done = subprocess.run(
            [COMMAND[0], "plugin", *map(str, arguments)],
            env=self.environment,
            cwd=self.home,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Ended(done.returncode, done.stdout, done.stderr)

    def contents(self) -> list[str]:
        return [(place / "Contents/library.so").read_text() for place in self.places]


@pytest.fixture
def user(tmp_path_factory):
    return User(tmp_path_factory.mktemp("u"))


def test_bundles_are_put_where_hosts_look_and_taken_away_again(user):
    user.make()
    ended = user.plugin("install", user.build)
    assert ended.status == 0, ended.err
    assert user.contents() == ["1", "1"]
    assert all(str(place) in ended.out for place in user.places)
    assert os.access(user.places[0] / "Contents/library.so", os.X_OK)
    assert sorted(user.plugin("path").out.splitlines()) == sorted(map(str, user.places))
    ended = user.plugin("uninstall")
    assert ended.status == 0, ended.err
    assert not any(place.exists() for place in user.places)
    assert not user.file.exists()
    assert "nothing to remove" in user.plugin("uninstall").out


def test_installing_again_replaces_what_is_there_and_leaves_nothing_else(user):
    user.make("1")
    user.plugin("install", user.build)
    (user.places[0] / "Contents" / "stale").touch()
    user.make("2")
    assert user.plugin("install", user.build).status == 0
    assert user.contents() == ["2", "2"]
    assert not (user.places[0] / "Contents" / "stale").exists()
    for place in user.places:
        assert [path.name for path in place.parent.iterdir()] == [place.name]


def test_a_single_bundle_may_be_named(user):
    user.make()
    assert user.plugin("install", user.build / "plugin/VST3" / NAMES[0]).status == 0
    assert [place.exists() for place in user.places] == [True, False]
    assert user.plugin("install", user.build / "plugin/LV2").status == 0
    assert user.plugin("uninstall").out.count("Removed") == 2


def test_only_what_was_installed_is_removed(user):
    user.make()
    user.plugin("install", user.build / "plugin/VST3")
    other, kept = user.home / ".vst3" / "Other.vst3", user.home / "kept"
    other.mkdir()
    kept.mkdir()
    user.places[1].mkdir(parents=True)  # by somebody else
    said = json.loads(user.file.read_text())
    user.file.write_text(json.dumps({**said, "bundles": [*said["bundles"], str(kept)]}))
    assert user.plugin("uninstall").status == 0
    assert not user.places[0].exists()
    assert other.is_dir()
    assert kept.is_dir()
    assert user.places[1].is_dir()


def test_a_missing_build_is_refused_in_one_line_that_says_what_builds_it(user):
    for arguments in ((), (user.build,), (user.home,)):
        refused(user.plugin("install", *arguments), 3, "Stem Bridge.vst3", "`make shim` builds it")
    refused(user.plugin("path"), 3, "stembridge plugin install")
    assert not user.file.exists()


def test_what_is_installed_already_is_no_build(user):
    user.make()
    user.plugin("install", user.build)
    refused(user.plugin("install", user.home / ".vst3"), 4, "is where hosts look already")
    assert user.contents() == ["1", "1"]


def test_a_folder_of_hosts_that_cannot_be_written_is_named(user):
    user.make()
    (user.home / ".vst3").touch()
    refused(user.plugin("install", user.build), 4, ".vst3", "cannot be changed")
    assert user.places[1].exists()
    assert user.plugin("uninstall").out.count("Removed") == 1  # what got there is known


def test_the_file_is_the_users_alone(user):
    user.make()
    user.plugin("install", user.build)
    assert stat.S_IMODE(user.file.stat().st_mode) == 0o600
    assert stat.S_IMODE(user.file.parent.stat().st_mode) == 0o700
    user.file.chmod(0o644)
    for command in ("path", "uninstall"):
        refused(user.plugin(command), 10, "plugin.json is open to other users")
    user.file.chmod(0o600)
    user.file.write_text('{"command": 1}')
    refused(user.plugin("path"), 10, "is damaged")


@pytest.mark.parametrize(("content", "mode"), [("{}", 0o666), ('{"command": 1}', 0o600)])
def test_installing_again_repairs_the_file(user, content, mode):
    user.make()
    user.plugin("install", user.build)
    user.file.write_text(content)
    user.file.chmod(mode)
    ended = user.plugin("install", user.build / "plugin/VST3")
    assert ended.status == 0, ended.err
    assert stat.S_IMODE(user.file.stat().st_mode) == 0o600
    assert user.plugin("uninstall").out.count("Removed") == 2  # the other one is not forgotten


def test_nobody_else_may_write_to_what_is_installed_whatever_the_shell_allows(user):
    user.make()
    before = os.umask(0)
    try:
        assert user.plugin("install", user.build).status == 0
    finally:
        os.umask(before)
    for place in user.places:
        assert stat.S_IMODE(place.parent.stat().st_mode) & 0o022 == 0


def test_a_server_elsewhere_is_recorded_by_its_whole_path(user):
    user.make()
    refused(user.plugin("install", user.build, "--connection", "none"), 2, "none")
    (user.home / "copied").touch()
    user.plugin("install", user.build, "--connection", "copied")
    assert json.loads(user.file.read_text())["connection"] == str(user.home / "copied")
    user.plugin("install", user.build)
    assert "connection" not in json.loads(user.file.read_text())


@pytest.mark.slow
def test_the_recorded_command_starts_a_server_that_is_nobodys_child(user, tmp_path):
    user.make()
    user.plugin("install", user.build)
    command = json.loads(user.file.read_text())["command"]
    assert Path(command[0]).is_absolute()
    command[command.index("--idle-exit") + 1] = "10"
    (tmp_path / "bridge.py").write_text("raise SystemExit('not this one')")
    with (tmp_path / "log").open("wb") as log:
        done = subprocess.run(
            command,
            env=user.environment,
            cwd=tmp_path,
            stdout=log,
            stderr=log,
            timeout=60,
            check=False,
        )
    assert done.returncode == 0, (tmp_path / "log").read_text()
    file = Path(user.environment["STEMBRIDGE_RUNTIME_DIR"]) / "connection.json"
    wait_until(file.exists)
    try:
        pid = read_connection(file).pid
    except ServerError:  # it was ended meanwhile
        pytest.fail((tmp_path / "log").read_text())
    parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]
    assert int(parent) != os.getpid()
    wait_until(lambda: not is_running(pid))
    assert "Traceback" not in (tmp_path / "log").read_text()


def test_the_help_says_what_it_is_for(user):
    assert "make shim" in user.plugin("--help").out
    assert "start" not in user.plugin("--help").out.split("Commands:")[1].split()
