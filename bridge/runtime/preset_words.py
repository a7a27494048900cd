"""A preset as facts for programs and as lines for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bridge.runtime.preset import SILENT, Chain, Effect, Mix, Preset


def as_facts(preset: Preset) -> dict[str, Any]:
    """Everything that a preset says, for JSON. Silence is null, since JSON has no infinity."""
    return {
        "name": preset.name,
        "path": str(preset.path),
        "description": preset.description,
        "when": preset.when,
        "separation": dict(preset.separation),
        "stems": {name: _effects(chain) for name, chain in preset.stems.items()},
        "widths": dict(preset.widths),
        "mix": _mix(preset.mix),
        "mixes": {name: _mix(mix) for name, mix in preset.mixes.items()},
        "outputs": {
            "stems": preset.out_stems,
            "mixes": preset.out_mixes,
            **preset.encoding,
            "tails": "keep" if preset.keep_tails else "cut",
        },
        "warnings": preset.warnings(),
        "sha256": preset.sha256,
    }


def as_lines(preset: Preset) -> Iterator[tuple[str, str]]:
    """Labels and texts."""
    yield "Preset", preset.name
    yield "What", preset.description
    yield "When", preset.when
    yield "File", str(preset.path)
    if preset.separation:
        yield "Separation", ", ".join(f"{k} {v}" for k, v in preset.separation.items())
    for name, chain in preset.stems.items():
        width = f"width {preset.widths[name]:g}" if name in preset.widths else ""
        yield f"Stem {name}", "; ".join(filter(None, [width, _words(chain)]))
    for name, mix in preset.mixes.items():
        yield f"Mix {name}", "; ".join(filter(None, [_sum(mix), _words(mix.chain), _level(mix)]))
    if preset.mix.chain or preset.mix.loudness is not None:
        yield "Every mix", "; ".join(filter(None, [_words(preset.mix.chain), _level(preset.mix)]))
    stems = "all stems" if preset.out_stems is None else ", ".join(preset.out_stems)
    written = ", ".join(filter(None, [stems, ", ".join(preset.out_mixes)]))
    encoding = " ".join(preset.encoding.values())
    tails = "tails kept" if preset.keep_tails else ""
    yield "Writes", "; ".join(filter(None, [written, encoding, tails]))
    for line in preset.warnings():
        yield "Note", line


def _effects(chain: Chain) -> list[dict[str, Any]]:
    return [
        {
            "effect" if effect.plugin is None else "plugin": effect.name or str(effect.plugin),
            "plugin_name": effect.plugin_name,
            "parameters": dict(effect.values),
            "state": None if effect.state is None else str(effect.state),
        }
        for effect in chain
    ]


def _mix(mix: Mix) -> dict[str, Any]:
    return {
        "gains": {stem: None if gain == SILENT else gain for stem, gain in mix.gains.items()},
        "remaining": None if mix.remaining == SILENT else mix.remaining,
        "chain": _effects(mix.chain),
        "loudness": mix.loudness,
        "peak_db": mix.peak_db,
    }


def _words(chain: Chain) -> str:
    return " > ".join(map(_effect, chain))


def _effect(effect: Effect) -> str:
    name = effect.name or (effect.plugin.name if effect.plugin else "")
    name += f": {effect.plugin_name}" if effect.plugin_name else ""
    given = [] if effect.state is None else [f"state {effect.state.name}"]
    values = ", ".join([*given, *(f"{key} {value}" for key, value in effect.values.items())])
    return f"{name} ({values})" if values else name


def _sum(mix: Mix) -> str:
    parts = [f"{stem} {_decibels(gain)}" for stem, gain in mix.gains.items()]
    if not parts and mix.remaining == 0:
        return "everything"
    return ", ".join([*parts, f"remaining stems {_decibels(mix.remaining)}"])


def _decibels(gain: float) -> str:
    return "out" if gain == SILENT else f"{gain:+g} dB"


def _level(mix: Mix) -> str:
    if mix.loudness is None:
        return ""
    return f"to {mix.loudness:g} LUFS, peaks at {mix.peak_db:g} dBFS at most"
