"""Who may import whom, read from the source; what an import loads, seen in a process of its own."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "bridge").rglob("*.py"))

# Parts of the package, and the parts that each of them may import.
MAY_IMPORT = {
    # What scripts use is named there, and loaded when it is used: see NOT_LOADED.
    "__init__": {"runtime"},
    "errors": set(),
    "config": {"errors"},
    "core": {"errors", "core"},
    "protocol": {"errors", "core", "protocol"},
    "engine": {"errors", "core", "engine"},
    "runtime": {"__init__", "errors", "config", "core", "protocol", "engine", "runtime"},
}
MAY_IMPORT["client"] = {*MAY_IMPORT["runtime"], "client"} - {"engine"}
MAY_IMPORT["cli"] = {*MAY_IMPORT["runtime"], "client", "cli"}
ONLY_IN = {
    **dict.fromkeys(("torch", "torchaudio", "demucs", "diffq", "openvino"), "engine"),
    **dict.fromkeys(("zmq", "soundfile", "soxr", "pedalboard", "filelock"), "runtime"),
    **dict.fromkeys(("huggingface_hub", "platformdirs", "matplotlib"), "runtime"),
    **dict.fromkeys(("click", "rich"), "cli"),
}
# The standard library's ways to a clock, a log, a file, a socket, a thread or randomness.
IMPURE = {"time", "datetime", "logging", "os", "io", "pathlib", "shutil", "tempfile", "socket"}
IMPURE |= {"select", "asyncio", "threading", "subprocess", "random", "secrets", "uuid", "warnings"}
ALLOWED = {"errors": set(), "core": {*sys.stdlib_module_names, "numpy"} - IMPURE}
ALLOWED["protocol"] = {*ALLOWED["core"], "msgpack"}
# The processes that they are: one speaks on stdout, one must leave while its threads hang.
CHILD_PROGRAMS = {"runtime/hub_child.py", "runtime/worker.py"}


def imported(tree):
    """Dotted names of all modules that a file imports, wherever and however it does so."""
    for node in ast.walk(tree):
        match node:
            case ast.Import():
                yield from (alias.name for alias in node.names)
            case ast.ImportFrom(level=0, module="bridge"):
                yield from (f"bridge.{alias.name}" for alias in node.names)
            case ast.ImportFrom():
                yield "." * node.level + (node.module or "")
            case ast.Call(args=[ast.Constant(value=str(name)), *_]) if ast.unparse(node.func) in (
                "import_module",
                "importlib.import_module",
                "__import__",
            ):
                yield name


def violations(name, source):
    """What the file `name`, relative to the package, does that its part may not, in words."""
    part = Path(name).parts[0].removesuffix(".py")
    tree = ast.parse(source)
    found = []
    for module in imported(tree):
        top, _, rest = module.partition(".")
        if top == "bridge":
            inner = rest.partition(".")[0]
            inner = inner if inner in MAY_IMPORT else "__init__"
            if inner not in MAY_IMPORT[part]:
                found.append(f"{part} imports bridge.{inner}")
        elif not top:
            found.append("a relative import")
        elif ONLY_IN.get(top, part) != part or top not in ALLOWED.get(part, {top}):
            found.append(f"{part} imports {top}")
    calls = [ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)]
    names = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    if part != "cli" and name not in CHILD_PROGRAMS:
        leaving = {"print", "exit", "quit", "sys.exit", "os._exit", "SystemExit"}
        found += [f"{part} calls {call}" for call in calls if call in leaving]
    if part in ("core", "protocol"):
        found += [f"{part} calls {call}" for call in calls if call in ("open", "input")]
        found += [f"{part} uses randomness" for name in names if name == "np.random"]
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_keeps_to_its_layer(path):
    assert violations(str(path.relative_to(ROOT / "bridge")), path.read_text("utf-8")) == []


def test_all_parts_are_known_and_were_looked_at():
    parts = {path.relative_to(ROOT / "bridge").parts[0].removesuffix(".py") for path in FILES}
    needed = {"errors", "config", "core", "protocol", "engine", "runtime", "cli"}
    assert needed <= parts <= MAY_IMPORT.keys()


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("errors.py", "import sys"),
        ("config.py", "from bridge.core.timeline import Span"),
        ("core/plan.py", "from bridge.engine.base import Audio"),
        ("core/plan.py", "from bridge import runtime"),
        ("core/plan.py", "import bridge.config"),
        ("core/plan.py", "import scipy.signal"),
        ("core/plan.py", "import time"),
        ("core/plan.py", "from random import Random"),
        ("core/plan.py", "import numpy as np\nnp.random.default_rng()"),
        ("core/plan.py", "open('x')"),
        ("core/plan.py", "from . import window"),
        ("core/plan.py", "def f():\n    import torch"),
        ("protocol/codec.py", "from bridge.engine import base"),
        ("protocol/codec.py", "import zmq"),
        ("protocol/session.py", "from time import monotonic"),
        ("engine/live.py", "from bridge.protocol.codec import encode"),
        ("engine/live.py", "from bridge.runtime import hub"),
        ("engine/live.py", "import soundfile"),
        ("engine/live.py", "from importlib import import_module\nimport_module('click')"),
        ("runtime/server.py", "import torch.nn as nn"),
        ("runtime/server.py", "if TYPE_CHECKING:\n    from demucs.api import Separator"),
        ("runtime/server.py", "from rich.console import Console"),
        ("runtime/server.py", "from bridge.cli import report"),
        ("runtime/server.py", "print('ready')"),
        ("runtime/server.py", "import sys\nsys.exit(1)"),
        ("runtime/server.py", "raise SystemExit(1)"),
        ("client/stream.py", "from bridge.engine.live import LiveStream"),
        ("client/stream.py", "import zmq"),
        ("cli/serve.py", "import torch"),
    ],
)
def test_the_check_sees(name, source):
    assert len(violations(name, source)) == 1


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("core/plan.py", "from bridge.errors import InputError\nimport numpy, math"),
        ("protocol/codec.py", "import msgpack\nfrom bridge.core import plan"),
        ("engine/live.py", "import torch, time\nfrom bridge.core.plan import Plan"),
        ("runtime/server.py", "import zmq\nfrom bridge import __version__"),
        ("runtime/hub_child.py", "print('{}')"),
        ("client/stream.py", "import threading\nfrom bridge.runtime import connection"),
        ("cli/serve.py", "import click, sys\nfrom bridge.runtime import hub\nsys.exit(print())"),
    ],
)
def test_the_check_lets_pass(name, source):
    assert violations(name, source) == []


def modules_of(part):
    files = (ROOT / "bridge" / part).glob("*.py")
    names = sorted(file.stem for file in files if file.stem != "__init__")
    full = [f"bridge.{part}.{name}" for name in names]
    by_networks = ("hybrid", "channels_last", "winograd")  # which load them
    return [name for name in full if name.removeprefix("bridge.engine.") not in by_networks]


NOT_LOADED = {
    "core": {"torch", "numba", "zmq"},
    "protocol": {"torch", "numba", "zmq"},
    "engine": {"torch", "demucs", "zmq"},
    "runtime": {"torch", "numba", "demucs", "huggingface_hub", "rich", "click"},
    "client": {"torch", "numba", "demucs", "huggingface_hub", "rich", "click"},
}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("modules", "heavy"),
    [
        (["bridge", "bridge.errors", "bridge.config"], {"numpy", "torch", "zmq"}),
        *((modules_of(part), heavy) for part, heavy in NOT_LOADED.items() if modules_of(part)),
    ],
)
def test_importing_loads_nothing_heavy(modules, heavy):
    code = "import sys, importlib; [importlib.import_module(m) for m in sys.argv[2:]];"
    code += "found = set(sys.argv[1].split(',')) & sys.modules.keys(); assert not found, found"
    subprocess.run([sys.executable, "-c", code, ",".join(heavy), *modules], check=True)


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["bounce", "--help"], ["models", "--help"]]
)
def test_help_answers_without_loading_what_it_does_not_need(arguments):
    command = [str(Path(sys.executable).with_name("stembridge")), *arguments]
    environment = {**os.environ, "PYTHONPROFILEIMPORTTIME": "1"}
    ended = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    loaded = {
        line.rpartition("|")[2].strip().partition(".")[0] for line in ended.stderr.split("\n")
    }
    assert {"bridge", "click"} <= loaded
    heavy = {
        "torch",
        "demucs",
        "huggingface_hub",
        "soundfile",
        "rich",
        "numpy",
        "zmq",
        "pedalboard",
    }
    assert loaded & heavy == set()
