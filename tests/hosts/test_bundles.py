"""The bundles themselves: ids, ports, what they show to a host, and a scan that leaves no trace."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.hosts.plugin import BUILD, ROOT, bundle

LV2_URI = "urn:stembridge:stem-bridge"
BUSES = ("Main", "Vocals", "Drums", "Bass", "Other", "Guitar", "Piano")
ENTRIES = {
    "VST3": {"GetPluginFactory", "ModuleEntry", "ModuleExit"},
    "LV2": {"lv2_descriptor", "lv2ui_descriptor"},
}
# What every desktop has, and libzmq; older systems of glibc have parts of it apart.
LIBRARIES = {
    *("libc", "libm", "libdl", "libpthread", "librt", "libgcc_s", "libstdc++", "ld-linux-x86-64"),
    *("ld-linux-aarch64", "libzmq", "libfreetype", "libfontconfig", "libpng16", "libjpeg", "libz"),
}

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="these are the bundles of Linux"),
    pytest.mark.skipif(not bundle().exists(), reason="no plug-in was built; `make shim` does it"),
]


def binary(kind: str) -> Path:
    (found,) = bundle(kind).rglob("*.so")
    return found


def output(*command: str, **environment: str) -> str:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is missing: apt install binutils lilv-utils")
    done = subprocess.run(
        command,
        env={**os.environ, "LC_ALL": "C", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


@pytest.fixture(scope="module")
def scan(tmp_path_factory) -> dict[str, Any]:
    """What a scan found, and in `left` what files it left of a user who allowed a sidecar."""
    home = tmp_path_factory.mktemp("home")
    config = home / "c"
    config.mkdir(mode=0o700)
    allowed = config / "plugin.json"
    allowed.write_text(json.dumps({"command": ["/usr/bin/touch", str(home / "started")]}))
    allowed.chmod(0o600)
    found = output(
        *(sys.executable, "-m", "tests.hosts.scanning", str(binary("VST3"))),
        HOME=str(home),
        TMPDIR=str(home),
        XDG_RUNTIME_DIR=str(home),
        STEMBRIDGE_CONFIG_DIR=str(config),
        STEMBRIDGE_RUNTIME_DIR=str(home / "r"),
        PYTHONPATH=str(ROOT),
    )
    left = {str(one.relative_to(home)) for one in home.rglob("*")}
    return {**json.loads(found), "left": left}


def test_the_class_id_is_the_one_of_the_readme(scan):
    component = scan["ids"]["Audio Module Class"]
    assert component in (ROOT / "README.md").read_text()
    assert scan["controller"] == scan["ids"]["Component Controller Class"] != component
    assert set(scan["names"]) == {"Stem Bridge"}


def test_the_vst3_has_every_bus_with_its_name(scan):
    assert scan["inputs"] == [["Input", 2]]
    assert scan["outputs"] == [[name, 2] for name in BUSES]


def test_a_scan_leaves_no_trace(scan):
    assert scan["after"] == scan["before"]
    assert scan["left"] == {"c", "c/plugin.json"}


def test_the_lv2_has_every_port_with_its_name():
    assert LV2_URI in (ROOT / "README.md").read_text()
    path = str(bundle("LV2").parent)
    assert output("lv2ls", LV2_PATH=path).split() == [LV2_URI]
    said = output("lv2info", LV2_URI, LV2_PATH=path)
    ports = said.split("\n\tPort ")[1:]
    audio = [port for port in ports if "lv2core#AudioPort" in port]
    names = [re.findall(r"Name: +(.+)", port) for port in ports]
    assert sum("lv2core#InputPort" in port for port in audio) == 2
    assert sum("lv2core#OutputPort" in port for port in audio) == 2 * len(BUSES)
    assert all(len(name) == 1 for name in names), names
    assert len({name[0] for name in names}) == len(ports)
    assert re.search(r"Has latency: +yes", said)
    groups = (bundle("LV2") / "dsp.ttl").read_text()
    named = re.findall(r'a pg:(?:In|Out)putGroup ;\s+lv2:name "(\w+)"', groups)
    assert named == ["Input", *BUSES]


def test_lv2_presets_have_names():
    """JUCE makes one of each program."""
    said = output("lv2info", LV2_URI, LV2_PATH=str(bundle("LV2").parent))
    presets = re.search(r"Presets: *\n((?:\t +.*\n)*)", said)
    assert presets is not None
    assert all(line.strip() for line in presets.group(1).splitlines())


@pytest.mark.parametrize("kind", ENTRIES)
def test_it_shows_its_entries_alone(kind):
    """What else it showed, a host with another version of the same would take or replace."""
    shown = output("nm", "-D", "--defined-only", "--format=posix", str(binary(kind)))
    assert {line.split()[0] for line in shown.splitlines()} == ENTRIES[kind]


@pytest.mark.parametrize("kind", ENTRIES)
def test_it_needs_what_it_may_and_finds_it(kind):
    dynamic = output("readelf", "-dW", str(binary(kind)))
    needed = {one.split(".so")[0] for one in re.findall(r"\(NEEDED\).*\[(.+)\]", dynamic)}
    assert needed <= LIBRARIES
    assert "RUNPATH" not in dynamic
    assert "RPATH" not in dynamic
    assert "not found" not in output("ldd", "-r", str(binary(kind)))


@pytest.mark.parametrize("kind", ENTRIES)
def test_its_stack_is_not_executable(kind):
    (stack,) = re.findall(r"GNU_STACK.+", output("readelf", "-lW", str(binary(kind))))
    assert stack.split()[-2] == "RW"


@pytest.mark.parametrize("kind", ENTRIES)
def test_nothing_tells_where_it_was_built(kind):
    for file in bundle(kind).rglob("*"):
        if file.is_file():
            held = file.read_bytes()
            assert os.fsencode(ROOT) not in held, file
            assert os.fsencode(BUILD) not in held, file
