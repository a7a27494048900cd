"""Stem Bridge: stem separation for a DAW track, for whole songs and for scripts.

For scripts: `separate` (an array into stems), `bounce` (a file into files) and `Preset`. They are
loaded when they are first used, so that `import bridge` itself costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bridge.runtime.preset import Preset
    from bridge.runtime.scripting import bounce, separate

__version__ = "0.1.0.dev0"

__all__ = ["Preset", "__version__", "bounce", "separate"]

_PLACES = {
    "Preset": "bridge.runtime.preset",
    "bounce": "bridge.runtime.scripting",
    "separate": "bridge.runtime.scripting",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'bridge' has no attribute '{name}'; it has {__all__}")
    return getattr(import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
