"""Reads a preset's file and checks all of it: every mistake is one line with file and line."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from bridge.config import BounceSettings
from bridge.errors import UsageError
from bridge.runtime.effects import (
    check_effect,
    check_sound,
    check_value,
    make_effect,
    nearest,
    parameters,
)
from bridge.runtime.outputs import one_file
from bridge.runtime.preset import Chain, Effect, Mix, Preset
from bridge.runtime.preset_schema import DECIBELS, SECTIONS, TABLES, Key
from bridge.runtime.toml_lines import Place, line_of

MAX_BYTES = 1_000_000  # of a preset; those that people write have a thousand
_NAME = re.compile(r"[A-Za-z0-9][\w .+-]{0,63}")


def read_preset(path: Path) -> Preset:
    """The preset in the file `path`. Plugins are not loaded, but have to be there.

    Raises UsageError: the file, the line, what is wrong, what is allowed, the nearest name.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UsageError(f"{path} is no preset: it has more than {MAX_BYTES} bytes")
        data = path.read_bytes()
        text = data.decode("utf-8-sig")
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file; `stembridge presets list` shows presets") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is no preset: it is not UTF-8 text") from None
    return _Reader(path, text).preset(hashlib.sha256(data))


class _Reader:
    """One file being read; `_fail` knows the line of what it complains about."""

    def __init__(self, path: Path, text: str) -> None:
        self._path, self._text = path, text
        self._files: list[tuple[Path, Place]] = []
        try:
            self._content = tomllib.loads(text)
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            words, _, place = str(error).partition(" (at ")
            line = re.search(r"line (\d+)", place)
            number = int(line[1]) if line else len(text.splitlines()) or 1
            raise UsageError(f"{path}, line {number}: {words}; see docs/PRESETS.md") from None

    def preset(self, digest: Any) -> Preset:
        content = self._content
        self._keys((), content, SECTIONS[""], TABLES)
        tables = {name: self._table((name,), content.get(name, {})) for name in TABLES}
        self._keys(("separation",), tables["separation"], SECTIONS["separation"])
        self._keys(("outputs",), tables["outputs"], SECTIONS["outputs"])
        stems = {name: self._stem(name, table) for name, table in tables["stems"].items()}
        mixes = {name: self._mix(("mixes", name), t) for name, t in tables["mixes"].items()}
        self._check_distinct(mixes)
        mix = self._mix(("mix",), tables["mix"])
        outputs = tables["outputs"]
        encoding: dict[str, str] = {
            name: outputs[name] for name in ("format", "bits") if name in outputs
        }
        self._check_settings({**tables["separation"], **encoding})
        for file, place in self._files:
            with self._reading(place, file):
                digest.update(file.read_bytes())
        return Preset(
            name=self._path.stem,
            path=self._path,
            description=content["description"],
            when=content["when"],
            separation=tables["separation"],
            stems=stems,
            widths={n: t["width"] for n, t in tables["stems"].items() if "width" in t},
            mix=mix,
            mixes=mixes,
            out_stems=self._out_stems(outputs, mixes),
            out_mixes=self._out_mixes(outputs, mixes),
            encoding=encoding,
            keep_tails=outputs.get("tails") == "keep",
            sha256=digest.hexdigest(),
        )

    def _fail(self, place: Place, words: str) -> NoReturn:
        raise UsageError(f"{self._where(place)}: {words}")

    def _where(self, place: Place) -> str:
        return f"{self._path}, line {line_of(self._text, place)}"

    def _table(self, place: Place, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            self._fail(place, f"'{place[-1]}' must be a table; write [{'.'.join(map(str, place))}]")
        return value

    def _keys(
        self, place: Place, table: Mapping[str, Any], keys: Mapping[str, Key], more: Any = ()
    ) -> None:
        """Check that `table` has only `keys` with good values, or `more`, checked elsewhere."""
        allowed = [*keys, *more]
        for name, value in table.items():
            where = (*place, name)
            if name not in allowed:
                section = f"[{'.'.join(map(str, place))}]" if place else "the preset"
                near = nearest(name, allowed)
                self._fail(where, f"{section} has no '{name}'{near}; it has {', '.join(allowed)}")
            problem = keys[name].problem(value) if name in keys else ""
            if problem:
                self._fail(where, f"{name} = {value!r}: {problem}")
        for name, key in keys.items():
            if key.required and name not in table:
                self._fail(place, f"'{name}' is missing; write {name} = \"...\"")

    def _check_distinct(self, mixes: Mapping[str, Mix]) -> None:
        taken: dict[str, str] = {}
        for name in mixes:
            other = taken.setdefault(one_file(name), name)
            if other != name:
                words = f"'{name}' and '{other}' are one file on macOS and Windows; rename one"
                self._fail(("mixes", name), words)

    def _check_settings(self, values: dict[str, Any]) -> None:
        try:
            BounceSettings(**values)
        except UsageError as error:  # of several together; each alone was checked before
            self._fail(("outputs", "bits"), str(error).replace("--", ""))

    def _stem(self, name: str, value: Any) -> Chain:
        place = ("stems", name)
        table = self._table(place, value)
        self._keys(place, table, SECTIONS["stems.NAME"], ("chain",))
        return self._chain(place, table)

    def _mix(self, place: Place, value: Any) -> Mix:
        table = self._table(place, value)
        section = "mix" if place == ("mix",) else "mixes.NAME"
        self._keys(place, table, SECTIONS[section], ("chain",))
        name = str(place[-1])
        if section != "mix" and (not _NAME.fullmatch(name) or one_file(name) == "manifest"):
            self._fail(place, f"'{name}' cannot name a mix: use letters, digits, - and _")
        values = {key: value for key, value in table.items() if key != "chain"}
        for stem, gain in values.get("gains", {}).items():
            if problem := DECIBELS.problem(gain):
                self._fail((*place, "gains", stem), f"{stem} = {gain!r}: {problem}, in dB")
        if section != "mix":  # what all mixes pass holds where one says nothing itself
            common = self._content.get("mix", {})
            values = {k: common[k] for k in ("loudness", "peak_db") if k in common} | values
        return Mix(name, **values, chain=self._chain(place, table))

    def _chain(self, place: Place, table: Mapping[str, Any]) -> Chain:
        where = (*place, "chain")
        entries = table.get("chain", [])
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            self._fail(
                where, f"a chain is a list of effects; write [[{'.'.join(map(str, where))}]]"
            )
        return tuple(self._effect((*where, i), entry) for i, entry in enumerate(entries))

    def _effect(self, place: Place, entry: dict[str, Any]) -> Effect:
        if "effect" not in entry:
            return self._plugin(place, entry)
        name, values = entry["effect"], {k: v for k, v in entry.items() if k != "effect"}
        if not isinstance(name, str):
            self._fail((*place, "effect"), f"effect = {name!r}: it must be a text in quotes")
        if problem := check_effect(name):
            self._fail((*place, "effect"), problem)
        for key, value in values.items():
            if problem := check_value(name, key, value):
                self._fail((*place, key), problem)
            if parameters(name)[key].kind == "file":
                values[key] = str(self._inside((*place, key), value))
        try:
            check_sound(name, make_effect(name, values))
        except UsageError as error:
            culprit = next((k for k in values if self._alone_fails(name, k, values[k])), "effect")
            self._fail((*place, culprit), str(error))
        return Effect(name, values, self._where((*place, "effect")))

    def _alone_fails(self, name: str, key: str, value: Any) -> bool:
        try:
            check_sound(name, make_effect(name, {key: value}))
        except UsageError:
            return True
        return False

    def _plugin(self, place: Place, entry: dict[str, Any]) -> Effect:
        if "plugin" not in entry:
            known = 'effect = "Compressor" or plugin = "file.vst3"'
            self._fail(place, f"an entry of a chain needs {known}")
        self._keys(place, entry, SECTIONS["chain"])
        values = entry.get("parameters", {})
        for key, value in values.items():
            if not isinstance(value, str | int | float):
                self._fail((*place, "parameters", key), f"{key} = {value!r} is no plain value")
        plugin = self._path.absolute().parent / entry["plugin"]
        with self._reading((*place, "plugin"), plugin):
            there = plugin.exists()
        if not there:
            self._fail((*place, "plugin"), f"{plugin} does not exist; install the plug-in there")
        state = entry.get("state")
        return Effect(
            "",
            values,
            self._where((*place, "plugin")),
            plugin=plugin,
            plugin_name=entry.get("plugin_name"),
            state=None if state is None else self._inside((*place, "state"), state),
        )

    def _inside(self, place: Place, name: str) -> Path:
        """The file `name` below the preset's folder. Its content counts as the preset's."""
        folder = self._path.absolute().parent.resolve()
        with self._reading(place, name):
            path = (folder / name).resolve()
            there = path.is_file()
        if not path.is_relative_to(folder):
            self._fail(
                place, f"{name!r} leaves the preset's folder; put the file beside the preset"
            )
        if not there:
            self._fail(place, f"{path} does not exist; put the file beside the preset")
        self._files.append((path, place))
        return path

    @contextmanager
    def _reading(self, place: Place, name: str | Path) -> Iterator[None]:
        """Fail at `place` for a file that the system does not let us read."""
        try:
            yield
        except (OSError, ValueError, RuntimeError) as error:  # or a NUL, or a link to itself
            words = getattr(error, "strerror", None) or error
            self._fail(place, f"{str(name)!r} cannot be read: {words}; see to its permissions")

    def _out_stems(self, outputs: dict[str, Any], mixes: dict[str, Mix]) -> tuple[str, ...] | None:
        """Stems to write: all where neither they nor a mix are named."""
        if "stems" in outputs:
            return tuple(outputs["stems"])
        return () if mixes else None

    def _out_mixes(self, outputs: dict[str, Any], mixes: dict[str, Mix]) -> tuple[str, ...]:
        named = tuple(outputs.get("mixes", mixes))
        for name in named:
            if name not in mixes:
                near = nearest(name, mixes)
                listed = ", ".join(mixes) or "none"
                place = ("outputs", "mixes")
                self._fail(place, f"no mix '{name}'{near}; [mixes] has {listed}")
        if outputs.get("stems") == [] and not named:
            self._fail(("outputs",), "neither a stem nor a mix is written; name one")
        return named
