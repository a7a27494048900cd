"""A host's scan of a VST3, with nothing of JUCE in the host: load it, ask it all, and let it go.

`python -m tests.hosts.scanning BINARY` prints what it found as JSON.
"""

from __future__ import annotations

import ctypes
import json
import sys
import time
from _ctypes import dlclose
from pathlib import Path
from typing import Any

# Places of functions in the tables of IPluginFactory and IComponent, as the VST3 SDK has them.
RELEASE = 2
COUNT_CLASSES, GET_CLASS_INFO, CREATE_INSTANCE = 4, 5, 6
INITIALIZE, TERMINATE, GET_CONTROLLER_CLASS, GET_BUS_COUNT, GET_BUS_INFO = 3, 4, 5, 7, 8
COMPONENT = bytes.fromhex("E831FF31F2D54301928EBBEE25697802")
COMPONENT_CATEGORY = b"Audio Module Class"
AUDIO, INPUT, OUTPUT = 0, 0, 1
ID_BYTES = 16


class ClassInfo(ctypes.Structure):
    _fields_ = (
        ("id", ctypes.c_ubyte * ID_BYTES),
        ("cardinality", ctypes.c_int32),
        ("category", ctypes.c_char * 32),
        ("name", ctypes.c_char * 64),
    )


class BusInfo(ctypes.Structure):
    _fields_ = (
        ("media", ctypes.c_int32),
        ("direction", ctypes.c_int32),
        ("channels", ctypes.c_int32),
        ("name", ctypes.c_uint16 * 128),
        ("type", ctypes.c_int32),
        ("flags", ctypes.c_uint32),
    )


def call(it: ctypes.c_void_p, place: int, *arguments: Any) -> int:
    """The result of the function at `place` in the table of `it`."""
    table = ctypes.cast(it, ctypes.POINTER(ctypes.POINTER(ctypes.c_void_p)))[0]
    made = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, *(type(one) for one in arguments))
    result: int = made(table[place] or 0)(it, *arguments)
    return result


def integers(*values: int) -> tuple[ctypes.c_int32, ...]:
    return tuple(ctypes.c_int32(value) for value in values)


def buses(component: ctypes.c_void_p, direction: int) -> list[tuple[str, int]]:
    """Names of the buses, and how many channels each has."""
    found = []
    for number in range(call(component, GET_BUS_COUNT, *integers(AUDIO, direction))):
        info = BusInfo()
        where = integers(AUDIO, direction, number)
        assert call(component, GET_BUS_INFO, *where, ctypes.pointer(info)) == 0
        name = bytes(info.name).decode("utf-16-le").split("\0")[0]
        found.append((name, int(info.channels)))
    return found


def asked(factory: ctypes.c_void_p) -> dict[str, Any]:
    """Class ids by category, and what an instance says of itself."""
    said: dict[str, Any] = {"names": [], "ids": {}}
    for number in range(call(factory, COUNT_CLASSES)):
        info = ClassInfo()
        assert call(factory, GET_CLASS_INFO, *integers(number), ctypes.pointer(info)) == 0
        said["names"].append(info.name.decode())
        said["ids"][info.category.decode()] = bytes(info.id).hex().upper()

    component = ctypes.c_void_p()
    which = ctypes.create_string_buffer(bytes.fromhex(said["ids"][COMPONENT_CATEGORY.decode()]))
    kind = ctypes.create_string_buffer(COMPONENT)
    assert call(factory, CREATE_INSTANCE, which, kind, ctypes.pointer(component)) == 0
    assert call(component, INITIALIZE, ctypes.c_void_p()) == 0
    controller = (ctypes.c_ubyte * ID_BYTES)()
    assert call(component, GET_CONTROLLER_CLASS, controller) == 0
    said["controller"] = bytes(controller).hex().upper()
    said["inputs"], said["outputs"] = buses(component, INPUT), buses(component, OUTPUT)
    call(component, TERMINATE)
    call(component, RELEASE)
    return said


def scanned(binary: str) -> dict[str, Any]:
    """What the plug-in of `binary` says, which is unloaded again."""
    module = ctypes.CDLL(binary)
    assert module.ModuleEntry(ctypes.c_void_p(module._handle))
    module.GetPluginFactory.restype = ctypes.c_void_p
    factory = ctypes.c_void_p(module.GetPluginFactory())
    said = asked(factory)
    call(factory, RELEASE)
    assert module.ModuleExit()
    dlclose(module._handle)
    return said


def held(binary: str) -> dict[str, Any]:
    """What this process has of threads, open files, children and of the plug-in."""
    tasks = list(Path("/proc/self/task").iterdir())
    files = [one for one in Path("/proc/self/fd").iterdir() if one.is_symlink()]
    return {
        "threads": len(tasks),
        "files": sorted(str(one.readlink()) for one in files if one.exists()),
        "children": [(one / "children").read_text() for one in tasks][:1],
        "mapped": binary in Path("/proc/self/maps").read_text(),
    }


def main(binary: str) -> None:
    before = held(binary)
    said = scanned(binary)
    # A thread that was joined is listed for a moment more.
    deadline = time.monotonic() + 1
    while (after := held(binary)) != before and time.monotonic() < deadline:
        time.sleep(0.005)
    sys.stdout.write(json.dumps({**said, "before": before, "after": after}))


if __name__ == "__main__":
    main(sys.argv[1])
