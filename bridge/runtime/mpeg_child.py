"""The child process of `mpeg`: `mpeg_child FILE DECODED`, with the MPEG frames on standard input.

Answers with one line of JSON. `say` is one of

    decoded    frames: written; promised: by the file's header, 0 where it has none
    unknown    this is nothing that libsndfile reads
    damaged    text: what libsndfile says about it
    full       text: why DECODED cannot be written

A Xing, Info or VBRI header tells the exact length and what an encoder put before and after the
music, and libmpg123 wants to seek for that. Without one, libsndfile guesses the length from the
size of the file, far off for a variable bit rate or a large picture, and returns no frame beyond
its guess. It cannot guess the length of a pipe, and so reads that to its end.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import soundfile

from bridge.errors import OutputError
from bridge.runtime.decoded import append, create_decoded
from bridge.runtime.sequential import SequentialFile
from bridge.runtime.tags import read_tags
from bridge.runtime.writing import native, writing

_UNKNOWN = 2**63 - 1  # frames: libsndfile's SF_COUNT_MAX
_STDIN = "-"


def decode(path: Path, decoded: Path) -> dict[str, Any]:
    """Decode `path`, or standard input where its length is not known, to `decoded`."""
    try:
        file, piped = SequentialFile(native(path.absolute())), SequentialFile(_STDIN)
    except soundfile.LibsndfileError:
        return {"say": "unknown"}
    guessed = piped.frames == _UNKNOWN
    source, promised = (piped, 0) if guessed else (file, file.frames)
    try:
        target = create_decoded(decoded, file.samplerate, file.channels, read_tags(file))
        frames = append(source, decoded, target)
        with writing(decoded):
            target.close()
    except OutputError as error:
        return {"say": "full", "text": str(error)}
    except soundfile.LibsndfileError as error:
        return {"say": "damaged", "text": error.error_string}
    return {"say": "decoded", "frames": frames, "promised": promised}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(decode(Path(sys.argv[1]), Path(sys.argv[2]))))
