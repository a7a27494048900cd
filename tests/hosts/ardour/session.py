"""What stands in a session of Ardour."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

from tests.hosts.preset import preset, state_in

_CHUNK = re.compile(r"(?<=<chunk>)[^<]+(?=</chunk>)")


def rewrite(session: Path, changes: dict[str, Any]) -> None:
    """Change the state that the VST3 plug-in finds when the session is opened."""
    file = session / "session.ardour"
    text = file.read_text()
    (chunk,) = _CHUNK.findall(text)
    state = state_in(b64decode(chunk)) | changes
    file.write_text(_CHUNK.sub(b64encode(preset(state)).decode(), text))
