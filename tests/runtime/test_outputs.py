"""Which files a bounce writes, and their names."""

from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.config import RESIDUALS, BounceSettings
from bridge.errors import ModelError, UsageError
from bridge.runtime.outputs import (
    Output,
    check_distinct,
    output_paths,
    plan_outputs,
    stems_needed,
)

FOUR = ("drums", "bass", "other", "vocals")
SPEECH = ("speech", "music")
OUT = Path("out")


def plan(sources, **options):
    return {o.name: o.parts for o in plan_outputs(sources, BounceSettings(**options))}


def paths(source="songs/a.wav", sources=FOUR, model="htdemucs", **options):
    settings = BounceSettings(**options)
    return output_paths(OUT, Path(source), plan_outputs(sources, settings), settings, model)


@pytest.mark.parametrize(
    ("sources", "options", "expected"),
    [
        (FOUR, {}, {"drums": ("drums",), "bass": ("bass",), "other": (), "vocals": ("vocals",)}),
        (FOUR, {"residual": "off"}, {name: (name,) for name in FOUR}),
        (FOUR, {"residual": "file"}, {**{name: (name,) for name in FOUR}, "residual": ()}),
        (SPEECH, {}, {"speech": ("speech",), "music": ("music",)}),
        (
            SPEECH,
            {"residual": "file"},
            {"speech": ("speech",), "music": ("music",), "residual": ()},
        ),
        (FOUR, {"stems": ("other", "bass")}, {"other": ("other",), "bass": ("bass",)}),
        (FOUR, {"stems": ("bass",), "residual": "file"}, {"bass": ("bass",), "residual": ()}),
        (FOUR, {"two_stems": "vocals"}, {"vocals": ("vocals",), "no_vocals": ()}),
        (FOUR, {"two_stems": "other"}, {"other": ("other",), "no_other": ()}),
        (SPEECH, {"two_stems": "music"}, {"music": ("music",), "no_music": ()}),
        (
            FOUR,
            {"two_stems": "bass", "residual": "off"},
            {"bass": ("bass",), "no_bass": ("drums", "other", "vocals")},
        ),
        (
            FOUR,
            {"two_stems": "bass", "residual": "file"},
            {"bass": ("bass",), "no_bass": ("drums", "other", "vocals"), "residual": ()},
        ),
        (("other",), {}, {"other": ("other",)}),
    ],
)
def test_the_files_of_every_combination(sources, options, expected):
    assert plan(sources, **options) == expected
    assert list(plan(sources, **options)) == list(expected)


@pytest.mark.parametrize(("residual", "two"), list(product(RESIDUALS, [None, *FOUR])))
def test_at_most_one_file_is_the_rest_and_no_stem_is_in_two_files(residual, two):
    parts = plan(FOUR, residual=residual, two_stems=two).values()
    assert sum(not names for names in parts) == (residual != "off")
    assert len([name for names in parts for name in names]) <= len(FOUR)


def test_only_the_stems_of_some_file_are_computed_in_the_order_of_the_model():
    outputs = plan_outputs(FOUR, BounceSettings(two_stems="vocals"))
    assert stems_needed(FOUR, outputs) == ("vocals",)
    outputs = plan_outputs(FOUR, BounceSettings(stems=("vocals", "drums")))
    assert stems_needed(FOUR, outputs) == ("drums", "vocals")
    assert stems_needed(FOUR, plan_outputs(FOUR, BounceSettings())) == ("drums", "bass", "vocals")


@pytest.mark.parametrize("options", [{"stems": ("bass", "vocal")}, {"two_stems": "vocal"}])
def test_a_stem_that_the_model_lacks_is_refused_with_those_it_has(options):
    with pytest.raises(ModelError, match=r"'vocal'.*drums, bass, other, vocals; did you mean voc"):
        plan(FOUR, **options)


@pytest.mark.parametrize(
    ("template", "drums", "manifest"),
    [
        ("{track}/{stem}.{ext}", "a/drums.wav", "a/manifest.json"),
        ("{track}-{stem}.{ext}", "a-drums.wav", "a.manifest.json"),
        ("{stem}/{track}.{ext}", "drums/a.wav", "a.manifest.json"),
        ("{folder}/{track}/{stem}.{ext}", "songs/a/drums.wav", "songs/a/manifest.json"),
        ("{folder}/{stem}.{ext}", "songs/drums.wav", "songs/manifest.json"),
        ("{folder}/{track}-{stem}.{ext}", "songs/a-drums.wav", "songs/a.manifest.json"),
        ("all/{track}-{stem}.{ext}", "all/a-drums.wav", "all/a.manifest.json"),
        ("{track}/{stem}/x.{ext}", "a/drums/x.wav", "a/manifest.json"),
        ("{track}\\{stem}.{ext}", "a/drums.wav", "a/manifest.json"),
        ("{model}/{track}/{track}-{stem}.x", "htdemucs/a/a-drums.x", "htdemucs/a/manifest.json"),
    ],
)
def test_the_template_gives_the_names(template, drums, manifest):
    found = paths(template=template)
    assert found["drums"] == OUT / drums
    assert found["manifest"] == OUT / manifest
    assert found.keys() == {*FOUR, "manifest"}


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("what?.wav", "what_"),
        ("Björk: live.wav", "Björk_ live"),
        ('<"a|b*c\\d">.flac', "__a_b_c_d__"),
        ("dots....wav", "dots"),
        ("....", "_"),
        ("new\nline\x7f.wav", "new_line_"),
        ("caf\udce9.wav", "caf_"),
        ("Мир.wav", "Мир"),
        ("{stem}.wav", "{stem}"),
    ],
)
def test_names_become_storable_on_every_system(name, safe):
    assert paths(name)["drums"] == OUT / safe / "drums.wav"


# Of surrogates, names of files have those that stand for bytes that are no UTF-8.
NAMED = st.characters(exclude_characters="/\0", exclude_categories=["Cs"])
BYTES = st.characters(min_codepoint=0xDC80, max_codepoint=0xDCFF)


@given(st.text(NAMED | BYTES, min_size=1, max_size=40), st.text())
def test_nothing_ever_leaves_the_folder(name, model):
    template = "{folder}/{track}/{model}-{stem}.{ext}"
    for path in paths(f"songs/{name}", model=model, template=template).values():
        inside = path.relative_to(OUT)
        assert ".." not in inside.parts
        assert len(inside.parts) in (3, 4)  # `songs` is missing where the name is `..`
        assert not set('<>:"\\|?*\0\n') & set("".join(inside.parts))


def test_two_stems_of_one_name_are_refused():
    twice = (Output("residual", ("residual",)), Output("residual", ()))
    with pytest.raises(UsageError, match="several stems one name"):
        output_paths(OUT, Path("a.wav"), twice, BounceSettings(), "m")


def test_a_stem_at_the_place_of_the_manifest_is_refused():
    stem = (Output("manifest", ("manifest",)),)
    settings = BounceSettings(template="{track}/{stem}.json")
    with pytest.raises(UsageError, match="the manifest's name"):
        output_paths(OUT, Path("a.wav"), stem, settings, "m")


@pytest.mark.parametrize(
    ("template", "songs"),
    [
        ("{track}/{stem}.{ext}", ["one/a.wav", "two/a.wav"]),
        ("{track}/{stem}.{ext}", ["a.wav", "a.flac"]),
        ("{folder}/{stem}.{ext}", ["one/a.wav", "one/b.wav"]),
        ("{folder}-{stem}.{ext}", ["one/mix.wav", "two/mix.wav"]),  # the manifest alone
        ("{track}/{folder}-{stem}.{ext}", ["one/a.wav", "two/a.wav"]),  # the manifest alone
    ],
)
def test_songs_that_would_be_written_over_each_other_are_refused(template, songs):
    with pytest.raises(UsageError, match=f"{songs[0]} and {songs[1]} would both be written as"):
        check_distinct([Path(song) for song in songs], OUT, BounceSettings(template=template))


def test_songs_with_names_of_their_own_pass():
    songs = [Path("one/a.wav"), Path("two/a.wav"), Path("two/b.wav")]
    check_distinct(songs, OUT, BounceSettings(template="{folder}/{track}/{stem}.{ext}"))
