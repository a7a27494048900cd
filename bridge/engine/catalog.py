"""The models that have a name: where their files are, what they give and what they may be used for.

Names, repositories and bags are those of demucs 4.1 (`demucs.hf`, `demucs/remote/*.yaml`). A bag is
several networks whose stems are averaged; its yaml file lists their signatures.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from types import MappingProxyType

from bridge.errors import ModelError

_NAMESPACE = "adefossez"
_FOUR = ("drums", "bass", "other", "vocals")
_DEMUCS_LICENCE = (
    'code MIT; weights not under it, "provided only for scientific purposes" '
    "(their author, https://github.com/facebookresearch/demucs/issues/327)"
)
_DIFFQ_LICENCE = "; needs diffq, CC BY-NC 4.0: not for commercial use"
_OWN_LICENCE = "GPL-3.0-or-later, as Stem Bridge itself"


@dataclass(frozen=True)
class Entry:
    """One name that `--model` takes.

    Attributes
    ----------
    note: what sets it apart, short enough for a table.
    sources: its stems, in the order of the output; empty for `auto`, which is not one model.
    networks: how many are run for each window; 0 without weights.
    repo: repository on the Hugging Face hub, or "" when there is nothing to fetch.
    licence: one line on what may be done with it.
    needs_diffq: its weights are packed by `diffq`, whose licence forbids commercial use; Stem
        Bridge does not depend on it, so the user has to install it.
    """

    name: str
    note: str
    description: str
    sources: tuple[str, ...] = _FOUR
    networks: int = 0
    repo: str = ""
    licence: str = _OWN_LICENCE
    needs_diffq: bool = False

    @property
    def yaml(self) -> str:
        """File in the repository that lists the networks of the bag."""
        return f"{self.name}.yaml"


def hub_repo(name: str) -> str:
    """Repository of a demucs model, by the rule of `demucs.hf.hf_repo_name`."""
    if name == "htdemucs":
        return f"{_NAMESPACE}/HTDemucs"
    if name.startswith("htdemucs_"):
        return f"{_NAMESPACE}/HTDemucs-{name.removeprefix('htdemucs_')}"
    return f"{_NAMESPACE}/Demucs-{name}"


def _demucs(
    name: str,
    networks: int,
    note: str,
    description: str,
    *,
    sources: tuple[str, ...] = _FOUR,
    needs_diffq: bool = False,
) -> Entry:
    licence = _DEMUCS_LICENCE + (_DIFFQ_LICENCE if needs_diffq else "")
    return Entry(name, note, description, sources, networks, hub_repo(name), licence, needs_diffq)


_ENTRIES = (
    Entry(
        "auto",
        "htdemucs if it is here, else spectral",
        "Takes htdemucs when it is on this machine, otherwise spectral.",
        sources=(),
    ),
    Entry(
        "spectral",
        "preview, no weights",
        "Splits by the shape of the spectrogram, without a trained model: at once and anywhere, "
        "but far below the quality of a trained model.",
    ),
    Entry(
        "fake",
        "for tests, no weights",
        "Each stem is the mix times a fixed gain, so that the result is known beforehand.",
    ),
    _demucs(
        "htdemucs",
        1,
        "good quality for its cost",
        "Hybrid Transformer Demucs (v4), trained on MUSDB and 800 songs.",
    ),
    _demucs(
        "htdemucs_ft",
        4,
        "fine-tuned; up to 4 times the work",
        "htdemucs fine-tuned, one network for each source; a little better, up to 4 times slower.",
    ),
    _demucs(
        "htdemucs_6s",
        1,
        "guitar and piano too; piano is weak",
        "htdemucs with guitar and piano as well; its authors call the piano not good yet.",
        sources=(*_FOUR, "guitar", "piano"),
    ),
    _demucs(
        "hdemucs_mmi",
        1,
        "without a transformer",
        "Hybrid Demucs (v3), trained again on MUSDB and 800 songs.",
    ),
    _demucs(
        "mdx",
        4,
        "trained on MUSDB alone",
        "Hybrid and time-domain Demucs (v3), trained on MUSDB HQ; won track A of MDX 2021.",
    ),
    _demucs(
        "mdx_extra",
        4,
        "trained on MUSDB and more",
        "Demucs (v3) with extra training data; second on track B of MDX 2021.",
    ),
    _demucs(
        "mdx_q",
        4,
        "needs diffq (non-commercial)",
        "mdx with quantised weights: a smaller download, slightly worse.",
        needs_diffq=True,
    ),
    _demucs(
        "mdx_extra_q",
        4,
        "needs diffq (non-commercial)",
        "mdx_extra with quantised weights: a smaller download, slightly worse.",
        needs_diffq=True,
    ),
)

CATALOG = MappingProxyType({entry.name: entry for entry in _ENTRIES})


def find(name: str) -> Entry:
    """Return the entry of `name`; raises ModelError with the nearest name when there is none."""
    if name in CATALOG:
        return CATALOG[name]
    near = difflib.get_close_matches(name.lower(), CATALOG, n=1)
    guess = f"; did you mean '{near[0]}'?" if near else ";"
    raise ModelError(f"no model is called {name!r}{guess} `stembridge models list` shows all names")
