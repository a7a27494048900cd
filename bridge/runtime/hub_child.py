"""The program that talks to the Hugging Face hub, run as a process of its own by `hub`.

    python -m bridge.runtime.hub_child NAME [--fetch]

It says what it finds as JSON lines on standard output:

    {"say": "ready"}                              huggingface-hub is loaded
    {"say": "files", "commit": SHA, "files": [[FILE, BYTES], ...]}
    {"say": "here", "bytes": BYTES}               with --fetch: one more file is in the cache
    {"say": "done"}
    {"say": "error", "kind": KIND, "text": TEXT}  instead of the rest; kinds in `_explain`

It ends, and removes the file it had begun, as soon as its standard input closes. So it can neither
outlive the parent nor hold it up: huggingface-hub alone tries for 23 s without a route and for
396 s against a silent server.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bridge.engine.bag import MAX_YAML
from bridge.engine.catalog import Entry, find
from bridge.engine.weights import file_hash
from bridge.errors import ModelError
from bridge.runtime.hub_cache import weight_names

# huggingface-hub writes in pieces of 10 MiB, which a slow line takes minutes for; pieces of this
# size show within seconds even at 64 kB/s.
_PIECE_BYTES = 1 << 18
# A name of a blob that is the sha256 of its content, as the hub gives large files.
_SHA256_DIGITS = 64
_NO_HUB = "something answered that is not a hub, such as the sign-in page of a network"
_WORDS = sys.stdout
# What stays of the time to tidy up once the parent has gone.
_GRACE_S = 2.0


def _say(what: str, **fields: Any) -> None:
    _WORDS.write(json.dumps({"say": what, **fields}) + "\n")
    _WORDS.flush()


def _leave(*_: object) -> None:
    raise SystemExit(1)  # unwinds huggingface-hub, which then removes its unfinished file


def _leave_with_parent() -> None:
    """Wait for the end of standard input, then end this process, politely at first."""
    while os.read(0, 1):  # not sys.stdin: its lock would be held when the interpreter shuts down
        pass
    if sys.platform == "win32":
        os.kill(os.getpid(), signal.SIGTERM)
    else:  # to the main thread, so that a system call it waits in is interrupted
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGTERM)
    time.sleep(_GRACE_S)
    os._exit(1)


def _offer(entry: Entry) -> list[tuple[str, int, str]]:
    """Ask for the bag and the size of its files; say it. Returns (file, bytes, etag) of each."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url

    # A plain request first: the download below would try again and again and hide the reason.
    head = get_hf_file_metadata(hf_hub_url(entry.repo, entry.yaml))
    if head.commit_hash is None:
        raise ModelError(_NO_HUB)
    if (head.size or 0) > MAX_YAML:
        raise ModelError(f"{entry.yaml} of {entry.repo} has {head.size} bytes, which is no bag")
    bag = Path(hf_hub_download(entry.repo, entry.yaml, revision=head.commit_hash))
    names = list(dict.fromkeys(weight_names(bag)))  # a bag may use a network twice
    urls = [hf_hub_url(entry.repo, name, revision=head.commit_hash) for name in names]
    with ThreadPoolExecutor(len(urls)) as pool:
        heads = list(pool.map(get_hf_file_metadata, urls))
    files = [(entry.yaml, head.size or 0, head.etag or "")]
    files += [(n, h.size or 0, h.etag or "") for n, h in zip(names, heads, strict=True)]
    _say("files", commit=head.commit_hash, files=[file[:2] for file in files])
    return files


def _fetch(entry: Entry, files: list[tuple[str, int, str]]) -> None:
    from huggingface_hub import hf_hub_download

    for name, size, etag in files:
        path = Path(hf_hub_download(entry.repo, name))
        _check(path, etag)
        _say("here", bytes=size)
    _say("done")


def _check(path: Path, etag: str) -> None:
    """Compare a file with the hash that the hub gave; huggingface-hub compares the size only."""
    if len(etag) != _SHA256_DIGITS:
        return
    found = file_hash(path)
    if found != etag:
        path.resolve().unlink()
        path.unlink(missing_ok=True)
        raise ModelError(
            f"{path.name} arrived damaged: its sha256 is {found}, the hub says {etag}; it was "
            "removed, fetch it again"
        )


def _explain(error: Exception, entry: Entry) -> tuple[str, str]:
    """Kind and text of an error, for the parent: model, disk, hub or network."""
    from huggingface_hub import errors

    if isinstance(error, errors.LocalEntryNotFoundError) and isinstance(error.__cause__, Exception):
        error = error.__cause__  # huggingface-hub's summary of a request that failed
    line = " ".join(str(error).split())[:200]
    if isinstance(error, ModelError):
        return ("hub" if line == _NO_HUB else "model"), line
    if isinstance(error, errors.GatedRepoError):
        return "model", f"{entry.repo} is only for people whom its owner has let in; ask there"
    if isinstance(error, errors.RepositoryNotFoundError):
        return "model", f"the hub has no repository {entry.repo}, or it is not public"
    if isinstance(error, errors.EntryNotFoundError | errors.RevisionNotFoundError):
        return "model", f"a file of {entry.name} is missing in {entry.repo}: {line}"
    if isinstance(error, errors.HfHubHTTPError):
        return "hub", f"it answered HTTP {error.response.status_code}"
    if isinstance(error, OSError) and error.errno:
        return "disk", f"{error.strerror}: {error.filename}" if error.filename else line
    return "network", line or type(error).__name__


def main(name: str, *, fetch: bool) -> None:
    """Say what the hub has for `name`, and bring it into the cache when `fetch` is set."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's; it closes our input
    signal.signal(signal.SIGTERM, _leave)
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    sys.stdout = sys.stderr  # a library that prints must not end up among the messages
    entry = find(name)
    try:
        # All that `_offer` and `_fetch` use, so that "ready" means loaded.
        from huggingface_hub import constants, file_download  # noqa: F401

        constants.DOWNLOAD_CHUNK_SIZE = _PIECE_BYTES
        _say("ready")
        files = _offer(entry)
        if fetch:
            _fetch(entry, files)
    except Exception as error:  # noqa: BLE001  # the parent tells the user; a traceback cannot
        kind, text = _explain(error, entry)
        _say("error", kind=kind, text=text)


if __name__ == "__main__":
    main(sys.argv[1], fetch="--fetch" in sys.argv[2:])
