"""Lines are found where a person would look."""

import re
import tomllib

import pytest

from bridge.runtime.preset_store import shipped_folder
from bridge.runtime.toml_lines import line_of

TEXT = """\
when = "now"

[separation] # how
model = "auto"
"over lap" = 3

[[stems.vocals.chain]]
effect = "Gain"
gain_db = 1
[[stems.drums.chain]]
effect = "Gain"
[[stems.vocals.chain]]
plugin = "x"
[stems.vocals.chain.parameters]
mix = 2
[ mixes . karaoke ]
gains = { vocals = -inf }
outputs.stems = [
  "a",
]
"""


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (("when",), 1),
        (("separation",), 3),
        (("separation", "model"), 4),
        (("separation", "over lap"), 5),
        (("separation", "none"), 3),
        (("stems", "vocals", "chain", 0), 7),
        (("stems", "vocals", "chain", 0, "gain_db"), 9),
        (("stems", "drums", "chain", 0, "effect"), 11),
        (("stems", "vocals", "chain", 1, "plugin"), 13),
        (("stems", "vocals", "chain", 1, "parameters", "mix"), 15),
        (("mixes", "karaoke", "gains", "vocals"), 17),
        (("mixes", "karaoke", "outputs", "stems"), 18),
        (("nothing",), 1),
        ((), 1),
    ],
)
def test_the_line_of_a_place(place, line):
    assert line_of(TEXT, place) == line


def places(value, place=()):
    """Every place of a parsed file with a plain value."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from places(inner, (*place, key))
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for number, inner in enumerate(value):
            yield from places(inner, (*place, number))
    else:
        yield place


@pytest.mark.parametrize("path", sorted(shipped_folder().glob("*.toml")), ids=lambda p: p.stem)
def test_every_value_of_a_shipped_preset_is_on_the_line_that_is_found(path):
    text = path.read_text()
    lines, seen = text.splitlines(), set()
    for place in places(tomllib.loads(text)):
        number = line_of(text, place)
        assert re.search(rf"\b{re.escape(str(place[-1]))}\b", lines[number - 1])
        if "{" not in lines[number - 1]:
            assert number not in seen
        seen.add(number)
