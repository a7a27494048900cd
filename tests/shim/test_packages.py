"""What `make shim` does about packages that are missing, on a machine made of stand-ins."""

import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "shim" / "packages.sh"
INSTALLED = 'printf "install ok installed"'
NOT_CPPZMQ = f'case "$*" in *cppzmq-dev*) exit 1 ;; *) {INSTALLED} ;; esac'


@pytest.fixture
def run(tmp_path):
    """Runs the script where these commands do as told: name=a line of shell."""

    def run(*what, **commands):
        log = tmp_path / "log"
        commands = {"apt_get": "exit 1", "sudo": "exit 1", "id": "echo 1000", **commands}
        for name, line in commands.items():
            file = tmp_path / name.replace("_", "-")
            file.write_text(f'#!/bin/sh\necho "{file.name} $*" >> {log}\n{line}\n')
            file.chmod(0o755)
        log.write_text("")
        environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
        done = subprocess.run(
            ["sh", SCRIPT, *what], env=environment, capture_output=True, text=True, check=False
        )
        return done, [line for line in log.read_text().splitlines() if line.startswith("apt-get")]

    return run


def test_nothing_is_done_when_all_are_there(run):
    done, installs = run(dpkg_query=INSTALLED)
    assert (done.returncode, done.stdout, done.stderr, installs) == (0, "", "", [])


def test_the_hosts_of_the_tests_are_another_list(run):
    no_ardour = f'case "$*" in *ardour*) exit 1 ;; *) {INSTALLED} ;; esac'
    done, _ = run("hosts", dpkg_query=no_ardour)
    assert done.stderr == "missing packages: ardour; run: sudo apt-get install ardour\n"
    done, _ = run(dpkg_query=no_ardour)
    assert done.returncode == 0


def test_what_is_missing_is_named_in_one_line_where_it_cannot_be_installed(run):
    done, installs = run(dpkg_query=NOT_CPPZMQ)
    assert (done.returncode, installs) == (1, [])
    expected = "missing packages: cppzmq-dev; run: sudo apt-get install cppzmq-dev\n"
    assert done.stdout + done.stderr == expected


@pytest.mark.parametrize(
    "rights", [{"id": "echo 0"}, {"sudo": 'test "$1" = -n && shift && exec "$@"'}]
)
def test_what_is_missing_is_installed_by_root_or_who_may_become_it(run, rights):
    done, installs = run(dpkg_query=NOT_CPPZMQ, apt_get="exit 0", **rights)
    assert done.returncode == 0
    assert installs == ["apt-get install -y -q --no-install-recommends cppzmq-dev"]


def test_lists_of_packages_are_fetched_when_installing_fails_at_first(run):
    fails_at_first = 'test "$1" = update || test -e "$0.done" || { touch "$0.done"; exit 1; }'
    done, installs = run(dpkg_query=NOT_CPPZMQ, id="echo 0", apt_get=fails_at_first)
    assert done.returncode == 0
    assert [line.split()[1] for line in installs] == ["install", "update", "install"]
    done, _ = run(dpkg_query=NOT_CPPZMQ, id="echo 0")
    assert done.returncode == 1
    assert "could not be installed: cppzmq-dev" in done.stderr
