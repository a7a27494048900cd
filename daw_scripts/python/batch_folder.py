"""Bounce every song of a folder with a preset, and list what came of it in a table.

    python batch_folder.py SONGS OUT --preset karaoke

Songs that are done already are skipped, and one that fails does not stop the others. OUT may lie
in SONGS: what earlier runs made is no song.
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

import bridge
from bridge.errors import BridgeError
from bridge.runtime.find_inputs import find_inputs


def main() -> int:
    parser = argparse.ArgumentParser(description="Bounce every song of a folder with a preset.")
    parser.add_argument("songs", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--preset", default="karaoke")
    parser.add_argument("--model", help="instead of the preset's")
    chosen = parser.parse_args()

    preset = bridge.Preset.load(chosen.preset)
    settings = {} if chosen.model is None else {"model": chosen.model}
    rows, failed = [], 0
    for song in find_inputs((chosen.songs,)):
        folder = chosen.out / song.relative_to(chosen.songs).parent
        try:
            result = bridge.bounce(song, preset, folder, resume=True, **settings)
        except BridgeError as error:
            print(f"{song}: {error}", file=sys.stderr)
            rows.append([song, "failed", "", str(error)])
            failed += 1
            continue
        seconds = result.manifest["frames"] / result.manifest["rate"]
        files = [str(path) for name, path in result.paths.items() if name != "manifest"]
        rows.append([song, "skipped" if result.skipped else "done", f"{seconds:.1f}", *files])
        print(f"{song}: {', '.join(files)}")
    chosen.out.mkdir(parents=True, exist_ok=True)
    with (chosen.out / "batch.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["song", "state", "seconds", "files"], *rows])
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
