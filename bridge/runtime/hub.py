"""Models on this machine and on the Hugging Face hub, in huggingface-hub's own cache.

`cached` looks at the disk only and answers at once. `reach` and `fetch` ask the network, each in a
child process that is ended when its time is up (see `hub_child`).

The cache is where huggingface-hub has it: HF_HOME, HF_HUB_CACHE, HF_ENDPOINT and HF_HUB_OFFLINE do
what its documentation says, and the demucs program finds the same files.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from bridge.engine.catalog import Entry
from bridge.errors import ModelError, NetworkError
from bridge.runtime.hub_cache import (
    ModelFiles,
    cache_folder,
    cached,
    in_cache,
    unfinished,
    with_weights,
)
from bridge.runtime.hub_process import HubProcess

# A user waits for `reach`. A working line answers in under a second, and whoever has no network
# should not wait longer for being told so.
REACH_S = 3.0
# Loading Python and huggingface-hub: 0.2 s when the disk is warm. Not taken from the network's
# time up to this limit, so that a slow disk is not mistaken for a dead network.
_START_UP_S = 1.0
# Longer than a Wi-Fi hand-over, after which the same connection goes on, and room for two attempts
# of huggingface-hub to connect again.
STALL_S = 10.0
# How often the arriving bytes are looked at.
_LOOK_S = 0.1

__all__ = [
    "ModelFiles",
    "Offer",
    "OfferedFile",
    "cache_folder",
    "cached",
    "fetch",
    "reach",
]

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class OfferedFile:
    """One file on the hub: its name, its bytes, and whether the cache has it already."""

    name: str
    size: int
    here: bool


@dataclass(frozen=True)
class Offer:
    """What the hub has for a model, before anything large is fetched."""

    name: str
    repo: str
    host: str
    licence: str
    files: tuple[OfferedFile, ...]

    @property
    def size(self) -> int:
        """Bytes that are still to be fetched."""
        return sum(file.size for file in self.files if not file.here)


def reach(name: str, deadline: float = REACH_S) -> Offer:
    """Ask the hub what a model consists of, without fetching its weights.

    `deadline` is in seconds, for the network; start-up and end add 1.4 s at most.
    Raises NetworkError when the hub cannot be asked in that time, ModelError when it does not have
    the model.
    """
    entry = _online(name)
    with HubProcess(name) as child:
        message = child.message(until=time.monotonic() + _START_UP_S)  # usually "ready"
        until = time.monotonic() + deadline
        while time.monotonic() < until:
            match message:
                case {"say": "files", "commit": commit, "files": files}:
                    return _offer(entry, commit, files)
                case {"say": "error", "kind": kind, "text": text}:
                    raise _error(entry, kind, text)
            message = child.message(until)
    raise _unreachable(entry, f"no answer within {deadline:g} s")


def fetch(name: str, progress: Progress, stall: float = STALL_S) -> ModelFiles:
    """Bring a model into the cache and return its files. Ask for consent first: see its licence.

    `progress` is called in this thread with the bytes that are here and the bytes of all files.
    Files that are complete stay, whatever happens later; a file that was under way begins again.
    Raises NetworkError when no byte has come for `stall` seconds or the hub cannot be asked,
    ModelError when the hub does not have the model or the cache cannot be written.
    """
    entry = _online(name)
    before = sizes = unfinished(entry)
    complete = here = total = 0
    with HubProcess(name, "--fetch") as child:
        alive = time.monotonic()
        while time.monotonic() - alive < stall:
            message = child.message(until=time.monotonic() + _LOOK_S)
            last, sizes = sizes, unfinished(entry)
            if message or sizes != last:
                alive = time.monotonic()
            match message:
                case {"say": "done"}:
                    return _arrived(entry)
                case {"say": "files", "files": files}:
                    total = sum(size for _, size in files)
                case {"say": "here", "bytes": size}:
                    complete += size
                case {"say": "error", "kind": kind, "text": text}:
                    raise _error(entry, kind, text, fetching=True)
            growing = max((size for _, size in sizes.items() - before.items()), default=0)
            if (now := min(total, complete + growing)) > here:
                here = now
                progress(here, total)
    raise _unreachable(entry, f"nothing came for {stall:g} s", fetching=True)


def _online(name: str) -> Entry:
    from huggingface_hub import constants

    entry = with_weights(name)
    if constants.HF_HUB_OFFLINE:
        raise NetworkError(
            f"{name} is not asked for, since HF_HUB_OFFLINE is set; unset it and run "
            f"`stembridge models fetch {name}`, {_OTHERWISE}"
        )
    return entry


def _offer(entry: Entry, commit: str, found: list[tuple[str, int]]) -> Offer:
    files = tuple(
        OfferedFile(file, size, here=in_cache(entry, file, commit) is not None)
        for file, size in found
    )
    return Offer(entry.name, entry.repo, _host(), entry.licence, files)


def _arrived(entry: Entry) -> ModelFiles:
    files = cached(entry.name)
    if files is None:
        raise _unreachable(entry, "its files changed there meanwhile", fetching=True)
    return files


def _host() -> str:
    from huggingface_hub import constants

    return urlsplit(constants.ENDPOINT).netloc or constants.ENDPOINT


_OTHERWISE = "or use `--model PATH` or `-m spectral`"


def _error(entry: Entry, kind: str, text: str, *, fetching: bool = False) -> ModelError:
    if kind == "model":
        return ModelError(text)
    if kind == "disk":
        return ModelError(
            f"the model cache {cache_folder()} cannot be written: {text}; free some space there, "
            "or set HF_HOME to another folder"
        )
    return _unreachable(entry, text, fetching=fetching)


def _unreachable(entry: Entry, why: str, *, fetching: bool = False) -> NetworkError:
    again = f"`stembridge models fetch {entry.name}`"
    if fetching:
        return NetworkError(
            f"fetching {entry.name} from {_host()} stopped: {why}; run {again} again, it keeps the "
            f"files that are complete, {_OTHERWISE}"
        )
    return NetworkError(
        f"cannot ask {_host()} for {entry.name}: {why}; check the connection and run "
        f"{again}, {_OTHERWISE}"
    )
