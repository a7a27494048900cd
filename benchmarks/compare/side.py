"""One side of a comparison in a process of its own, which `Side` starts and talks to in JSON.

Nothing that one side sets in torch, and no thread that it leaves behind, reaches the others.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

import numpy as np

from benchmarks.compare.setting import Setting
from benchmarks.compare.variant import Variant


class Side:
    """A process that runs one way to separate again and again.

    what: the kind of the side and its arguments, see `benchmarks.compare.ways`.
    """

    def __init__(self, setting: Setting, **what: Any) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "benchmarks.compare.side", json.dumps(what)],
            env=setting.environment() | Variant.parse(what.get("variant", "exact")).environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        self._ask("warm")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def run(self) -> dict[str, float]:
        """What it says of one run, at least `seconds` and `cpu`, in seconds."""
        return self._ask("run")

    def stems(self, path: Path) -> np.ndarray:
        """The result of the last run, shape (stems, C, T), by way of a file."""
        self._ask(str(path))
        return np.load(path)  # type: ignore[no-any-return]

    def _ask(self, what: str) -> dict[str, float]:
        assert self._process.stdin is not None  # noqa: S101 - both are pipes
        assert self._process.stdout is not None  # noqa: S101
        print(what, file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        if not answer:
            raise SystemExit("a side of the comparison has ended, see above")
        found: dict[str, float] = json.loads(answer)
        return found


def main() -> None:
    """Do what the lines on the standard input say."""
    from benchmarks.compare.ways import make

    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)  # whatever a library prints must not be taken for an answer
        way = make(**json.loads(sys.argv[1]))
        for line in sys.stdin:
            told: dict[str, float] = {}
            match line.strip():
                case "warm":
                    way.warm()
                case "run":
                    began, spent = time.perf_counter(), time.process_time()
                    told = way.run()
                    told["seconds"] = time.perf_counter() - began
                    told["cpu"] = time.process_time() - spent
                case path:
                    np.save(path, way.stems())
            print(json.dumps(told), file=answers, flush=True)


if __name__ == "__main__":
    main()
