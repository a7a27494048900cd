"""docs/PRESETS.md lists what the reader knows, and its example is a good preset."""

import re
from pathlib import Path

import pytest

from bridge.runtime.effects import WHOLE, effects, parameters
from bridge.runtime.preset_reader import read_preset
from bridge.runtime.preset_schema import SECTIONS

DOCUMENT = (Path(__file__).parents[2] / "docs/PRESETS.md").read_text()
HEADINGS = {
    "": "At the top of the file",
    "separation": "`[separation]`",
    "stems.NAME": "`[stems.NAME]`",
    "mix": "`[mix]`",
    "mixes.NAME": "`[mixes.NAME]`",
    "outputs": "`[outputs]`",
    "chain": "or an external plug-in",
}


def first(pattern, text=DOCUMENT):
    found = re.search(pattern, text, re.MULTILINE | re.DOTALL)
    assert found, pattern
    return found


def table_after(words):
    """First cells of the rows of the first table after a line that begins with `words`."""
    text = DOCUMENT[first(rf"^{re.escape(words)}").start() :]
    table = first(r"(?:^\|[^\n]*\n)+", text)[0]
    return [line.split("|")[1].strip(" `") for line in table.splitlines()[2:]]


def test_every_section_is_there():
    assert SECTIONS.keys() == HEADINGS.keys()


@pytest.mark.parametrize("section", SECTIONS)
def test_the_document_lists_the_keys_of_a_section(section):
    assert table_after(HEADINGS[section]) == list(SECTIONS[section])


@pytest.mark.parametrize("section", SECTIONS)
def test_the_document_names_every_choice(section):
    for name, key in SECTIONS[section].items():
        row = first(rf"^\| `{name}` \| [^\n]*$")[0]
        for choice in key.choices:
            assert f"`{choice}`" in row or f'`"{choice}"`' in row, (name, choice)


def test_the_document_lists_every_effect_with_its_parameters():
    rows = dict(re.findall(r"^\| `([A-Z]\w+)` \| (.*) \|$", DOCUMENT, re.MULTILINE))
    assert rows.keys() == effects().keys()
    for effect, text in rows.items():
        assert re.findall(r"`(\w+)`", text) == list(parameters(effect))
        for parameter in parameters(effect).values():
            if parameter.kind in ("number", "flag") and parameter.default != "None":
                assert f"`{parameter.name}` {parameter.default}".replace("False", "false") in text
            assert all(choice in text for choice in parameter.choices)


def test_the_document_names_what_gets_the_whole_signal():
    line = next(line for line in DOCUMENT.splitlines() if "in blocks than in one call" in line)
    assert set(re.findall(r"`(\w+)`", line)) == WHOLE


def test_the_example_is_a_good_preset(tmp_path):
    example = first(r"```toml\n(.*?)```")[1]
    (tmp_path / "example.toml").write_text(example)
    preset = read_preset(tmp_path / "example.toml")
    preset.check()
    assert preset.mixes["drumless"].gain("other") == 1
