import importlib.resources
import subprocess
import sys

import pytest
import yaml
from demucs import hf

from bridge.engine.catalog import CATALOG, find, hub_repo
from bridge.errors import ModelError

TRAINED = [entry for entry in CATALOG.values() if entry.repo]


@pytest.mark.parametrize("entry", TRAINED, ids=lambda entry: entry.name)
def test_repositories_and_bags_are_those_of_demucs(entry):
    assert entry.repo == f"{hf.DEFAULT_NAMESPACE}/{hf.hf_repo_name(entry.name)}"
    assert hub_repo(entry.name) == entry.repo
    text = importlib.resources.files("demucs").joinpath("remote", entry.yaml).read_text()
    assert entry.networks == len(yaml.safe_load(text)["models"])


def test_every_name_of_demucs_is_listed():
    files = importlib.resources.files("demucs").joinpath("remote").iterdir()
    names = {file.name.removesuffix(".yaml") for file in files if file.name.endswith(".yaml")}
    own = {name for name in names if not name.startswith("repro_")}
    assert own == {entry.name for entry in TRAINED}


def test_only_packed_weights_need_diffq():
    assert {e.name for e in TRAINED if e.needs_diffq} == {"mdx_q", "mdx_extra_q"}


def test_trained_weights_carry_the_words_of_their_author():
    for entry in CATALOG.values():
        assert ("provided only for scientific purposes" in entry.licence) == bool(entry.repo)


@pytest.mark.parametrize(
    ("name", "near"), [("htdemux", "htdemucs"), ("HTDemucs_FT", "htdemucs_ft"), ("mdxq", "mdx_q")]
)
def test_an_unknown_name_is_answered_with_the_nearest(name, near):
    with pytest.raises(ModelError, match=f"did you mean '{near}'.*stembridge models list"):
        find(name)


def test_a_name_like_no_other_gets_no_guess():
    with pytest.raises(ModelError, match="stembridge models list") as caught:
        find("zzzz")
    assert "did you mean" not in str(caught.value)


def test_looking_up_a_name_loads_nothing_heavy():
    code = (
        "import sys; from bridge.engine.catalog import find; find('mdx');"
        "heavy = {'torch', 'demucs', 'numpy', 'huggingface_hub', 'yaml'} & sys.modules.keys();"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
