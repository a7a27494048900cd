"""Every line of the scripts for REAPER is run by the scenarios, and compiles.

Lines, not their parts: of `if wrong then return end` on one line the condition may be all that
was run.
"""

from __future__ import annotations

import subprocess
from collections import defaultdict
from collections.abc import Callable
from functools import partial

import pytest

from tests.daw_scripts.lua import COMPILER, MISSING, SCRIPTS, code_lines, is_installed
from tests.daw_scripts.reaper import test_bounce as bounce
from tests.daw_scripts.reaper import test_live as live
from tests.daw_scripts.reaper import test_options as options
from tests.daw_scripts.reaper.scenarios import Reaper

pytestmark = pytest.mark.skipif(not is_installed(), reason=MISSING)

SCENARIOS: list[Callable[[Reaper], None]] = [
    *(partial(bounce.refusal, words=words) for words in bounce.REFUSED),
    bounce.nothing_selected,
    bounce.not_found,
    partial(bounce.cancelled, keys=[0] * 8 + [27]),
    bounce.test_what_a_looped_item_needs_is_the_whole_file,
    options.preset,
    options.padded,
    bounce.damaged,
    bounce.killed,
    bounce.in_the_way,
    bounce.gone,
    partial(live.split, stems=["vocals", "bass"], plugins=live.VST3),
    bounce.on_windows,
    *(partial(live.refused, words=words) for words in live.WRONG),
    live.unknown_stem,
]
FILES = sorted((*SCRIPTS.glob("reaper/*.lua"), *SCRIPTS.glob("common/*.lua")))


@pytest.mark.slow
def test_every_line_is_run(tmp_path):
    seen: dict[str, set[int]] = defaultdict(set)
    for number, scenario in enumerate(SCENARIOS):
        scenario(Reaper(tmp_path / f"{number}", seen))
    for file in FILES:
        missing = sorted(code_lines(file) - seen[file.name])
        assert not missing, f"{file.name}: lines {missing} are run by no scenario"


@pytest.mark.parametrize("file", sorted(SCRIPTS.glob("*/*.lua")), ids=lambda file: file.name)
def test_it_compiles(file):
    subprocess.run([COMPILER, "-p", file], check=True)
