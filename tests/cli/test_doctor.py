from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from bridge.cli.doctor import command
from tests.runtime.hub_server import model_files, put_in_cache, use_hub

# Stands in for torch where a test is about something else; it also has the GPU that is not here.
TORCH = """
from types import SimpleNamespace
__version__ = "9.9"
_gpu = SimpleNamespace(name="Some GPU", total_memory=80_000_000_000)
cuda = SimpleNamespace(device_count=lambda: 1, get_device_properties=lambda number: _gpu)
backends = SimpleNamespace(mps=SimpleNamespace(is_available=lambda: False))
"""


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine of its own: folders, cache, and a `torch` that loads at once."""
    modules = tmp_path / "modules"
    modules.mkdir()
    (modules / "torch.py").write_text(TORCH)
    monkeypatch.setenv("PYTHONPATH", str(modules))
    monkeypatch.setenv("STEMBRIDGE_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("STEMBRIDGE_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("COLUMNS", "80")
    use_hub(monkeypatch, tmp_path / "hf")
    return tmp_path


def examine() -> tuple[int, dict[str, dict[str, str]]]:
    result = CliRunner().invoke(command, ["--json"], catch_exceptions=False)
    report = json.loads(result.stdout)
    findings = {finding["name"]: finding for finding in report["findings"]}
    assert report["broken"] == sum(f["state"] == "broken" for f in report["findings"])
    return result.exit_code, findings


def test_a_machine_that_works_has_nothing_broken(world):
    status, findings = examine()
    assert status == 0
    assert all(finding["advice"] for finding in findings.values() if finding["state"] != "ok")
    assert findings["devices"]["text"].endswith("Some GPU (cuda:0, 80.0 GB)")
    assert findings["models"]["state"] == "note"
    assert "stembridge models fetch htdemucs" in findings["models"]["advice"]
    for name in ("soundfile", "tcp socket", "ipc socket", "memory", "disk", "cache folder"):
        assert findings[name]["state"] == "ok", findings[name]
    assert findings["config folder"]["text"] == f"{world / 'config'}, made when needed"


def test_looking_leaves_no_trace(world):
    before = sorted(world.rglob("*"))
    examine()
    after = [path for path in sorted(world.rglob("*")) if "__pycache__" not in path.parts]
    assert after == before


@pytest.mark.slow
def test_the_real_torch_is_found_without_loading_it_here():
    import torch

    code = (
        "import sys\nfrom bridge.runtime import doctor\n"
        "print([f.text for f in doctor.examine() if f.name == 'torch'])\n"
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == f"['{torch.__version__}']\n"


@pytest.mark.parametrize(
    ("program", "text"),
    [
        ("raise ImportError('libcudart.so is missing')", "libcudart.so is missing"),
        ("import os\nos._exit(7)", "it ended with 7"),
        ("print('hello')\nraise SystemExit", "does not load"),
    ],
)
def test_a_torch_that_does_not_load_is_broken(program, text, world):
    (world / "modules" / "torch.py").write_text(program)
    status, findings = examine()
    assert status == 1
    assert findings["torch"]["state"] == "broken"
    assert text in findings["torch"]["text"]
    assert "pytorch.org" in findings["torch"]["advice"]


def test_a_folder_that_cannot_be_made_is_broken(world, monkeypatch):
    (world / "file").write_text("")
    monkeypatch.setenv("STEMBRIDGE_CONFIG_DIR", str(world / "file" / "config"))
    status, findings = examine()
    assert status == 1
    assert findings["config folder"]["state"] == "broken"
    assert str(world / "file" / "config") in findings["config folder"]["advice"]


def test_a_runtime_folder_too_long_for_sockets_is_broken(world, monkeypatch):
    deep = world / ("x" * 120)
    deep.mkdir()
    monkeypatch.setenv("STEMBRIDGE_RUNTIME_DIR", str(deep))
    status, findings = examine()
    assert status == 1
    assert findings["ipc socket"]["state"] == "broken"
    assert "STEMBRIDGE_RUNTIME_DIR" in findings["ipc socket"]["advice"]
    assert findings["tcp socket"]["state"] == "ok"


def test_ffmpeg_is_a_note_until_it_is_there(world, monkeypatch):
    folder = world / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    status, findings = examine()
    assert (status, findings["ffmpeg"]["state"]) == (0, "note")
    assert "m4a" in findings["ffmpeg"]["advice"]
    shutil.copy("/bin/true", folder / "ffmpeg")
    assert examine()[1]["ffmpeg"]["text"] == str(folder / "ffmpeg")


def test_cached_models_are_named(world):
    put_in_cache(world / "hf", "mdx", model_files("mdx"))
    status, findings = examine()
    assert (status, findings["models"]["text"]) == (0, "on this machine: mdx")


def test_a_damaged_model_is_broken(world):
    put_in_cache(world / "hf", "mdx", {"mdx.yaml": b"models: 1"})
    result = CliRunner().invoke(command, ["--json"], catch_exceptions=False)
    broken = [f for f in json.loads(result.stdout)["findings"] if f["state"] == "broken"]
    assert result.exit_code == 1
    assert [finding["name"] for finding in broken] == ["models"]
    assert "mdx.yaml" in broken[0]["text"]


@pytest.mark.usefixtures("world")
def test_people_read_lines_that_fit_80_columns():
    result = CliRunner().invoke(command, catch_exceptions=False)
    lines = result.stdout.splitlines()
    assert all(len(line) <= 80 or "/" in line for line in lines)  # a path is never broken
    assert lines[0].split()[:2] == ["ok", "python"]
    assert lines[-1] == "Nothing is broken."
