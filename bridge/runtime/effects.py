"""The effects of pedalboard as a preset may use them: their names, parameters, checks and making.

What is allowed comes from the classes themselves: the signature that pybind11 writes on top of each
constructor's documentation gives names, types and defaults, and the constructor checks ranges.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pedalboard

from bridge.errors import UsageError

# They hold other effects, are loaded from files, or only serve as a base.
_NO_EFFECTS = {"Plugin", "PluginContainer", "Chain", "Mix", "Pedalboard", "IIRFilter"}
_NO_EFFECTS |= {"ExternalPlugin", "VST3Plugin", "AudioUnitPlugin"}
# One call over a whole signal differs from blocks with kept state, however these are cut.
WHOLE = frozenset({"GSMFullRateCompressor", "PitchShift"})
# Blocks give what the whole call gives as long as all of them have one size.
EQUAL_BLOCKS = frozenset({"MP3Compressor", "Resample"})
_PARAMETER = re.compile(r"(\w+): ([^=]+?)(?: = (.*?))?(?=, \w+: |\) -> None$)")
# High enough for every frequency that some song's rate allows.
_TRIAL_RATE = 192_000
_USUAL_RATE = 48_000


@dataclass(frozen=True)
class Parameter:
    """One parameter of an effect.

    kind: number, flag, choice or file. default: as pedalboard writes it, None where it must be
    given. choices: members of an enumeration by name, for the kind choice.
    """

    name: str
    kind: str
    default: str | None
    choices: Mapping[str, Any]


@cache
def effects() -> Mapping[str, type]:
    """Every effect class of the installed pedalboard by its name."""
    return MappingProxyType(
        {
            name: kind
            for name, kind in sorted(vars(pedalboard).items())
            if isinstance(kind, type)
            and issubclass(kind, pedalboard.Plugin)
            and kind.__name__ == name
            and name not in _NO_EFFECTS
        }
    )


@cache
def parameters(effect: str) -> Mapping[str, Parameter]:
    """Parameters of the effect class by name, in pedalboard's order."""
    constructor: Any = vars(effects()[effect])["__init__"]
    signature = (constructor.__doc__ or "").splitlines()[0]
    found = {}
    for name, kind, default in _PARAMETER.findall(signature):
        if name != "self":
            found[name] = _parameter(name, kind, default or None)
    return MappingProxyType(found)


def _parameter(name: str, kind: str, default: str | None) -> Parameter:
    if kind.startswith("pedalboard_native."):  # an enumeration inside a class
        owner, inner = kind.split(".")[1:3]
        members = getattr(effects()[owner], inner).__members__
        default = default and default.rpartition(".")[2].partition(":")[0]
        return Parameter(name, "choice", default, MappingProxyType(dict(members)))
    kinds = {"bool": "flag", "float": "number", "int": "number", "Optional[float]": "number"}
    return Parameter(name, kinds.get(kind, "file"), default, MappingProxyType({}))


def check_effect(effect: str) -> str:
    """What is wrong with an effect's name, in words that fit after a colon; "" if nothing is."""
    if effect in effects():
        return ""
    if effect in _NO_EFFECTS:
        return f"'{effect}' is no effect of its own; use one of {', '.join(effects())}"
    near = nearest(effect, effects())
    return f"no effect '{effect}'{near}; pedalboard has {', '.join(effects())}"


def check_value(effect: str, name: str, value: Any) -> str:
    """What is wrong with one value of an effect, in words; "" if nothing is known yet."""
    known = parameters(effect)
    if name not in known:
        listed = ", ".join(known) or "none at all"
        return f"{effect} has no parameter '{name}'{nearest(name, known)}; it has {listed}"
    parameter = known[name]
    if parameter.kind == "number":
        return _check_number(effect, name, value)
    if parameter.kind == "flag" and not isinstance(value, bool):
        return f"{effect}: {name} = {value!r} is neither true nor false"
    if parameter.kind == "choice" and value not in parameter.choices:
        near = nearest(str(value), parameter.choices)
        return f"{effect}: {name} = {value!r} is unknown{near}; use {', '.join(parameter.choices)}"
    if parameter.kind == "file" and not isinstance(value, str):
        return f"{effect}: {name} = {value!r} is no file name; write it in quotes"
    return ""


def _check_number(effect: str, name: str, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return f"{effect}: {name} = {value!r} must be a finite number"
    # pedalboard leaves these to JUCE, which computes nonsense with them.
    least = {"_hz": 0, "_ms": 0, "_seconds": 0, "ratio": 1}
    low = max((low for end, low in least.items() if name.endswith(end)), default=-math.inf)
    if value < low:
        return f"{effect}: {name} = {value} is out of range; it must be at least {low}"
    return ""


def make_effect(effect: str, values: Mapping[str, Any]) -> Any:
    """A new effect of pedalboard. `values` were looked at by `check_value`; files are paths.

    Raises UsageError with pedalboard's own words for a value that it does not take.
    """
    known = parameters(effect)
    given = {name: known[name].choices.get(value, value) for name, value in values.items()}
    missing = [n for n, p in known.items() if p.default is None and n not in given]
    if missing:
        raise UsageError(f"{effect} needs {missing[0]}; write {missing[0]} = ...")
    try:
        return effects()[effect](**given)
    except (ValueError, RuntimeError, TypeError, OverflowError) as error:
        words = " ".join(str(error).splitlines()[0].split()) if str(error) else "refused"
        raise UsageError(f"{effect}: {words.rstrip('.')}; change the value") from error


def check_sound(effect: str, made: Any, rate: int = _TRIAL_RATE) -> None:
    """Raise UsageError where an effect cannot work at `rate` Hz, or turns noise into no numbers.

    Constructors look at neither.
    """
    for name in parameters(effect):
        value = getattr(made, name, None) if name.endswith("_hz") and "rate" not in name else None
        if isinstance(value, int | float) and not 0 < value < rate / 2:
            raise UsageError(
                f"{effect}: {name} = {value:g} does not work at {rate} Hz; "
                f"it must be between 0 and {rate / 2:g}"
            )
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (2, 4096)).astype(np.float32)
    try:
        heard = made(noise, rate, reset=True)
    except ValueError as error:
        if rate != _TRIAL_RATE:
            words = " ".join(str(error).split())
            raise UsageError(f"{effect} does not work at {rate} Hz: {words}") from error
        heard = made(noise, _USUAL_RATE, reset=True)  # an mp3 has three rates, none of them high
    made.reset()
    if not np.isfinite(heard).all():
        raise UsageError(f"{effect} gives values that are no numbers; change its parameters")


def open_plugin(path: Path, name: str | None, values: Mapping[str, Any], state: Path | None) -> Any:
    """A new external plugin with its parameters and state. Runs the plugin's own program.

    Raises UsageError for what cannot be loaded, is no effect, or has no such parameter.
    """
    try:
        plugin: Any = pedalboard.load_plugin(str(path), plugin_name=name)
    except (ImportError, ValueError, RuntimeError) as error:
        words = " ".join(str(error).split())[:300]
        raise UsageError(f"{path} cannot be loaded: {words}; try it in a host") from error
    if not plugin.is_effect:
        raise UsageError(f"{path} is an instrument; a chain needs an effect")
    if state is not None:
        _restore(plugin, state)
    for key, value in values.items():
        if key not in plugin.parameters:
            near = nearest(key, plugin.parameters)
            listed = ", ".join(sorted(plugin.parameters))
            raise UsageError(f"{path.name} has no parameter '{key}'{near}; it has {listed}")
        try:
            setattr(plugin, key, value)
        except (ValueError, TypeError, AttributeError) as error:
            words = " ".join(str(error).split())[:300]
            raise UsageError(f"{path.name}: {key} = {value!r}: {words}; change it") from error
    return plugin


def _restore(plugin: Any, state: Path) -> None:
    try:
        if state.suffix == ".vstpreset":
            plugin.load_preset(str(state))
        else:
            plugin.raw_state = state.read_bytes()
    except (OSError, RuntimeError, ValueError) as error:
        words = " ".join(str(error).split())[:300]
        raise UsageError(f"{state} is no state of that plug-in: {words}; save it again") from error


def nearest(word: str, known: Iterable[str]) -> str:
    """` (did you mean X?)` for the nearest of the known names, whatever its case, or nothing."""
    folded = {name.casefold(): name for name in known}
    found = difflib.get_close_matches(word.casefold(), folded, 1)
    return f" (did you mean {folded[found[0]]}?)" if found else ""
