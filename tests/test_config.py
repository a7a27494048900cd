"""Settings: what is refused, in which words, and what a time is."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.config import (
    BITS,
    CLIPS,
    FIELDS,
    FORMATS,
    LOSSY,
    MAX_CALIBRATE,
    PRECISIONS,
    RESIDUALS,
    BounceSettings,
    parse_time,
)
from bridge.errors import UsageError
from bridge.protocol import limits

NAN = float("nan")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"stems": ("a",), "two_stems": "a"}, "--stems and --two-stems"),
        ({"stems": ("a", "b", "a")}, "--stems a,b,a names a stem twice"),
        ({"stems": ()}, "--stems names no stem"),
        ({"overwrite": True, "resume": True}, "--overwrite and --resume"),
        ({"format": "aac"}, "--format aac is unknown; use one of wav, "),
        ({"bits": "8"}, "--bits 8 is unknown; use one of 16, 24, 32f"),
        ({"format": "mp3", "bits": "16"}, "--bits 16 does not apply to mp3"),
        ({"format": "ogg", "bits": "24"}, "--bits 24 does not apply to ogg"),
        ({"format": "flac", "bits": "32f"}, "flac cannot hold --bits 32f"),
        ({"residual": "maybe"}, "--residual maybe is unknown; use one of other, off, file"),
        ({"clip": "hard"}, "--clip hard is unknown"),
        ({"precision": "double"}, "--precision double is unknown"),
        ({"overlap": -0.1}, r"--overlap -0.1 is out of range; use 0 to 0\.95"),
        ({"overlap": 0.96}, "--overlap 0.96"),
        ({"overlap": NAN}, "--overlap nan"),
        ({"shifts": -1}, "--shifts -1"),
        ({"shifts": 101}, "--shifts 101"),
        ({"batch": 0}, "--batch 0"),
        ({"batch": 1025}, "--batch 1025"),
        ({"seed": -1}, "--seed -1"),
        ({"seed": 2**63}, "--seed 9223372036854775808"),
        ({"start": -1.0}, r"--start -1\.0 is out of range"),
        ({"start": NAN}, "--start nan"),
        ({"start": float("inf")}, "--start inf"),
        ({"end": -1.0}, r"--end -1\.0 is out of range"),
        ({"end": 1e9}, "--end 1000000000.0"),
        ({"end": 0.0}, r"--end 0\.0 s is not after --start 0\.0 s"),
        ({"start": 2.0, "end": 2.0}, r"--end 2\.0 s is not after --start 2\.0 s"),
        ({"start": 2.0, "end": 1.0}, r"--end 1\.0 s is not after --start 2\.0 s"),
    ],
)
def test_what_cannot_work_is_refused_by_the_name_of_the_option(options, words):
    with pytest.raises(UsageError, match=words):
        BounceSettings(**options)


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{track}.{ext}", "must contain {stem}"),
        ("{stem}.{ext}", "must contain {track} or {folder}"),
        ("{track}/{stem}/", "does not end in a file name"),
        ("{track}/{stem}/  ", "does not end in a file name"),
        ("{track}{stem}\0", "does not end in a file name"),
        ("/{track}/{stem}", "leaves the folder"),
        ("\\{track}{stem}", "leaves the folder"),
        ("~/{track}{stem}", "leaves the folder"),
        ("../{track}{stem}", "leaves the folder"),
        ("{track}/../{stem}", "leaves the folder"),
        ("{track}\\..\\{stem}", "leaves the folder"),
        ("C:{track}{stem}", "leaves the folder"),
        ("{artist}/{track}/{stem}", "'{artist}' is unknown; use {track}, {stem}"),
        ("{}/{track}/{stem}", "'{}' is unknown"),
        ("{0}/{track}/{stem}", "'{0}' is unknown"),
        ("{track.__class__}{stem}", "'{track.__class__}' is unknown"),
        ("{track[0]}{stem}", "is unknown"),
        ("{track!r}{stem}", "'{track}' is unknown"),
        ("{track:>9}{stem}", "'{track}' is unknown"),
        ("{track:{stem}}{stem}", "'{track}' is unknown"),
        ("{track}{stem", "expected '}'"),
        ("{track}}{stem}", "Single '}'"),
    ],
)
def test_a_template_that_cannot_work_is_refused_with_its_text(template, words):
    with pytest.raises(UsageError) as caught:
        BounceSettings(template=template)
    assert words in str(caught.value)
    assert f"--template '{template}'" in str(caught.value)


@pytest.mark.parametrize(
    "template", ["{folder}-{stem}", "{track}/{model}/{stem}.{ext}", "{{x}}/{track} {stem}.{ext}"]
)
def test_other_templates_pass_and_format_with_the_known_fields(template):
    assert BounceSettings(template=template).template == template
    assert "{stem}" not in template.format(**dict.fromkeys(FIELDS, "name"))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"overlap": 0, "shifts": 100, "batch": 1, "seed": 2**63 - 1},
        {"overlap": 0.95, "batch": 1024, "start": 0.0, "end": 0.001},
        {"stems": ("vocals",), "residual": "file"},
        {"end": 10_000_000.0},
        *({"format": name} for name in FORMATS),
        *({"format": "wav", "bits": bits} for bits in BITS),
        *({"residual": value} for value in RESIDUALS),
        *({"clip": value} for value in CLIPS),
        *({"precision": value} for value in PRECISIONS),
    ],
)
def test_values_at_the_edges_of_the_ranges_pass(options):
    settings = BounceSettings(**options)
    assert {name: getattr(settings, name) for name in options} == options


def test_lossy_formats_are_formats():
    assert set(LOSSY) < set(FORMATS)


def test_the_identity_holds_what_the_result_depends_on_and_no_more():
    def identity(**options):
        return BounceSettings(**options).identity()

    same: list[dict[str, Any]] = [{"overwrite": True}, {"resume": True}, {"allow_pickle": True}]
    assert all(identity(**options) == identity() for options in same)
    others: list[dict[str, Any]] = [
        {"seed": 1},
        {"clip": "clamp"},
        {"start": 1.0},
        {"device": "cpu"},
        {"bits": "16"},
    ]
    assert all(identity(**options) != identity() for options in others)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("83.5", 83.5),
        ("007", 7),
        ("1:23.5", 83.5),
        ("0:05", 5),
        ("1:02:03", 3723),
        ("100:00:00.25", 360_000.25),
    ],
)
def test_a_time_is_seconds_or_minutes_or_hours(text, seconds):
    assert parse_time(text) == seconds


@given(st.integers(0, 99), st.integers(0, 59), st.integers(0, 59_999))
def test_a_written_time_is_read_back(hours, minutes, milliseconds):
    seconds = f"{milliseconds // 1000:02}.{milliseconds % 1000:03}"
    expected = hours * 3600 + minutes * 60 + milliseconds / 1000
    assert parse_time(f"{hours}:{minutes:02}:{seconds}") == pytest.approx(expected, abs=1e-9)
    assert parse_time(f"{minutes}:{seconds}") == pytest.approx(expected - hours * 3600, abs=1e-9)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-1",
        "+1",
        "1,5",
        ".5",
        "5.",
        "1e3",
        "nan",
        "inf",
        "1:",
        ":1",
        "1:2:3:4",
        " 1",
        "1s",
        "1:60",
        "1:99.5",
        "1:60:00",
        "1:00:60",
    ],
)
def test_anything_else_is_refused_with_its_text_and_what_to_write(text):
    with pytest.raises(UsageError, match=r"is not a time; write seconds \(83\.5\)") as caught:
        parse_time(text)
    assert f"'{text}'" in str(caught.value)


@pytest.mark.parametrize("device", ["gpu", "cuda:", "cuda:x", "mps:1", "CPU", ""])
def test_an_unknown_device_is_refused(device):
    with pytest.raises(UsageError, match="--device"):
        BounceSettings(device=device)


def test_the_longest_measurement_fits_into_a_message():
    assert MAX_CALIBRATE * 1_000_000 <= limits.DURATION_US
