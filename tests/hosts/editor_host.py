"""A host with a window: shows the plug-in's editor, and plays a song through it at its own pace.

Lines on its standard input are obeyed: `play`, `pause`, `get NAME`, `set NAME VALUE` and `close`.
It prints a line once it is ready, and one for each `get`.
"""

from __future__ import annotations

import ctypes
import sys
import threading
import time
from importlib import import_module
from typing import Any

import numpy as np
import soundfile

BLOCK = 512


def say(line: str) -> None:
    """Give whoever started us a line."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def obey(plugin: Any, playing: threading.Event, closing: threading.Event) -> None:
    """Do what the lines say, until they end."""
    say("ready")
    for line in sys.stdin:
        match line.strip().split(maxsplit=2):
            case ["play"]:
                playing.set()
            case ["pause"]:
                playing.clear()
            case ["get", name]:
                say(str(getattr(plugin, name)))
            case ["set", name, value]:
                setattr(plugin, name, value)
            case ["close"]:
                break
    closing.set()


def play(plugin: Any, path: str, playing: threading.Event, closing: threading.Event) -> None:
    """Play the song again and again, a block when its time has come."""
    song, rate = soundfile.read(path, dtype="float32")
    blocks = [song[at : at + BLOCK].T.copy() for at in range(0, len(song) - BLOCK, BLOCK)]
    number, due = 0, time.monotonic()
    while not closing.is_set():
        if not playing.is_set():
            time.sleep(0.01)
            due = time.monotonic()
            continue
        plugin.process(np.ascontiguousarray(blocks[number % len(blocks)]), rate, BLOCK, reset=False)
        number += 1
        due += BLOCK / rate
        time.sleep(max(0.0, due - time.monotonic()))


def main() -> None:
    """Arguments: the bundle, and the song."""
    bundle, song = sys.argv[1:]
    plugin = import_module("pedalboard").load_plugin(bundle)
    playing, closing = threading.Event(), threading.Event()
    threads = [
        threading.Thread(target=play, args=(plugin, song, playing, closing), daemon=True),
        threading.Thread(target=obey, args=(plugin, playing, closing), daemon=True),
    ]
    for thread in threads:
        thread.start()
    # Pedalboard asks for the settings of a desktop, which is an X error where there are none.
    handler = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)(lambda *_: 0)
    ctypes.CDLL("libX11.so.6").XSetErrorHandler(handler)
    plugin.show_editor(closing)
    closing.set()
    threads[0].join()


if __name__ == "__main__":
    main()
