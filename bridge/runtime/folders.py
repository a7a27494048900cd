"""Where Stem Bridge keeps its own files, by the rules of each system."""

from __future__ import annotations

import os
import warnings
from pathlib import Path


def user_folder(kind: str) -> Path:
    """The folder of one kind: config, runtime or cache. It need not exist.

    STEMBRIDGE_CONFIG_DIR, STEMBRIDGE_RUNTIME_DIR and STEMBRIDGE_CACHE_DIR move them. Raises
    KeyError for another kind.
    """
    import platformdirs

    places = {
        "config": ("STEMBRIDGE_CONFIG_DIR", platformdirs.user_config_path),
        "runtime": ("STEMBRIDGE_RUNTIME_DIR", platformdirs.user_runtime_path),
        "cache": ("STEMBRIDGE_CACHE_DIR", platformdirs.user_cache_path),
    }
    variable, usual = places[kind]
    given = os.environ.get(variable, "")
    with warnings.catch_warnings():  # it warns where XDG_RUNTIME_DIR is not set, which is no fault
        warnings.simplefilter("ignore")
        return Path(given) if given else usual("stembridge", appauthor=False)
