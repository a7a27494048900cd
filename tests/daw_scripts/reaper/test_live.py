"""REAPER: a track split live, against a stand-in of its API."""

from __future__ import annotations

from typing import Any

import pytest

from tests.daw_scripts.lua import MISSING, is_installed
from tests.daw_scripts.reaper.scenarios import LIVE, Reaper

pytestmark = pytest.mark.skipif(not is_installed(), reason=MISSING)

VST3 = {"VST3:Stem Bridge": 14}
CHANNELS = {"vocals": 2, "drums": 4, "bass": 6, "other": 8, "guitar": 10, "piano": 12}


@pytest.fixture
def reaper(tmp_path):
    return Reaper(tmp_path / "r")


def split(reaper: Reaper, stems: list[str], plugins: dict[str, int]) -> None:
    reaper.set(stems=stems)
    tracks = [
        {
            "name": "Song",
            "selected": True,
            "fx": [{"name": "VST: EQ"}],
            "values": {"I_FOLDERDEPTH": -1},
        },
        {"name": "Other", "selected": True},
        {"name": "Not this"},
    ]
    played = reaper.play(LIVE, tracks=tracks, plugins=plugins)
    assert not played["boxes"]
    assert played["undo"] == ["Stem Bridge: live split"]
    names = [track["name"] for track in played["tracks"]]
    titles = [stem.capitalize() for stem in stems]
    split_up = [[name, *(f"{name} {title}" for title in titles)] for name in ("Song", "Other")]
    assert names == [*split_up[0], *split_up[1], "Not this"]
    for name in ("Song", "Other"):
        at = names.index(name)
        track = played["tracks"][at]
        assert track["values"]["I_NCHAN"] == 14
        assert track["values"]["B_MAINSEND"] == 0  # or main would be heard beside the stems
        assert track["fx"][-1]["name"] in plugins
        assert track["fx"][-1]["pins"] == [1 << pin for pin in range(14)]
        assert [send["to"] for send in track["sends"]] == [at + 1 + n for n in range(len(stems))]
        for stem, send in zip(stems, track["sends"], strict=True):
            values = send["values"]
            assert (values["I_SRCCHAN"], values["I_DSTCHAN"]) == (CHANNELS[stem], 0)
            assert (values["D_VOL"], values["D_PAN"], values["I_SENDMODE"]) == (1, 0, 0)
        for stem_track in played["tracks"][at + 1 : at + 1 + len(stems)]:
            assert stem_track["values"]["B_MAINSEND"] == 1
    depths = [track["values"]["I_FOLDERDEPTH"] for track in played["tracks"]]
    assert depths[len(stems)] == -1
    assert sum(depths) == -1


@pytest.mark.parametrize(
    ("stems", "plugins"),
    [(["vocals", "drums", "bass", "other"], VST3), (list(CHANNELS), {"LV2:Stem Bridge": 14})],
)
def test_each_stem_gets_a_track_that_receives_it(reaper, stems, plugins):
    split(reaper, stems, plugins)


WRONG: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "Select the track to split": ({"selected": False}, VST3),
    "has Stem Bridge already": ({"fx": [{"name": "VST3: Stem Bridge (14 out)"}]}, VST3),
    "`stembridge plugin install`": ({}, {}),
    "gives 2 channels": ({}, {"AU:Stem Bridge": 2}),
}


def refused(reaper: Reaper, words: str) -> None:
    track, plugins = WRONG[words]
    wanted = {"name": "Song", "selected": True, **track}
    played = reaper.play(LIVE, tracks=[wanted], plugins=plugins)
    (said,) = played["boxes"]
    assert words in said
    (after,) = played["tracks"]
    assert (after["values"]["I_NCHAN"], after["values"]["B_MAINSEND"]) == (2, 1)
    assert len(after["fx"] or []) == len(wanted.get("fx", []))


@pytest.mark.parametrize("words", WRONG)
def test_what_cannot_be_split_is_left_as_it_was(reaper, words):
    refused(reaper, words)


def unknown_stem(reaper: Reaper) -> None:
    reaper.set(stems=["vocals", "kazoo"])
    played = reaper.play(LIVE, tracks=[{"selected": True}], plugins=VST3)
    assert "no stem 'kazoo'" in played["boxes"][0]
    assert not played["undo"]


def test_a_stem_that_the_plugin_has_not(reaper):
    unknown_stem(reaper)
