"""What a field of a message may hold: each kind checks a value and says what it expects.

A kind stands on its field: `Annotated[int, Int(0, 10)]`. `check` is given what a message is made
of, `read` what msgpack made of the wire; both return the value or raise ValueError in words.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from bridge.protocol import limits

Version = tuple[int, int]
VERSION: Version = (1, 0)
"""Major and minor version of the protocol; docs/PROTOCOL.md says which change counts which up."""

# Control characters, line separators and overrides of the direction of writing would let a peer
# write to the terminals and logs that show its texts.
_UNSHOWABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


class VersionError(ValueError):
    """The peer speaks another major version."""


class Kind(Protocol):
    """What one field may hold. `str()` says so, in words that fit after "expected"."""

    def check(self, value: Any) -> Any:
        """`value` itself; raises ValueError when it is not of this kind."""

    def read(self, wire: Any) -> Any:
        """The value that `wire` stands for; raises ValueError when it stands for none."""


def clipped(text: str, limit: int = limits.TEXT_BYTES) -> str:
    """`text` as one line that a message takes: unshowable characters blanked, cut to `limit`.

    `limit` is in bytes of UTF-8.
    """
    return _UNSHOWABLE.sub(" ", text).encode()[:limit].decode(errors="ignore")


def shown(value: object) -> str:
    """A value for an error: short, and harmless on a terminal, whatever a peer sent."""
    if isinstance(value, str):
        return repr(clipped(value, 40))
    return repr(value) if isinstance(value, int | None) else f"a {type(value).__name__}"


class _Plain(ABC):
    """A kind whose values look over the wire as they do in a message."""

    def check(self, value: Any) -> Any:
        """`value` itself; raises ValueError when it is not of this kind."""
        if value not in self:
            raise ValueError(f"{shown(value)}, expected {self}")
        return value

    read = check

    @abstractmethod
    def __contains__(self, value: Any) -> bool: ...


@dataclass(frozen=True)
class Int(_Plain):
    """A whole number from `low` to `high`, in `unit`; True and False are none."""

    low: int
    high: int
    unit: str = ""

    def __str__(self) -> str:
        return f"{self.low} to {self.high} {self.unit}".rstrip()

    def __contains__(self, value: Any) -> bool:
        return type(value) is int and self.low <= value <= self.high


@dataclass(frozen=True)
class Flag(_Plain):
    """True or False, and nothing that merely counts as one."""

    def __str__(self) -> str:
        return "true or false"

    def __contains__(self, value: Any) -> bool:
        return type(value) is bool


@dataclass(frozen=True)
class Text(_Plain):
    """One line of showable Unicode of at most `most` bytes as UTF-8."""

    most: int

    def __str__(self) -> str:
        return f"text of at most {self.most} bytes without control characters"

    def __contains__(self, value: Any) -> bool:
        return (
            isinstance(value, str)  # a Code is one as well
            and len(value) <= self.most
            and _UNSHOWABLE.search(value) is None
            and len(value.encode()) <= self.most
        )


@dataclass(frozen=True)
class Choice(_Plain):
    """One of a few words."""

    words: tuple[str, ...]

    def __str__(self) -> str:
        return " or ".join(f"`{word}`" for word in self.words)

    def __contains__(self, value: Any) -> bool:
        return type(value) is str and value in self.words


@dataclass(frozen=True)
class _Several(_Plain):
    """From `least` to `most` of the same kind, as a tuple."""

    item: Text | Int
    least: int
    most: int

    def __str__(self) -> str:
        return f"{self.least} to {self.most} times {self.item}"

    def __contains__(self, value: Any) -> bool:
        return (
            type(value) is tuple
            and self.least <= len(value) <= self.most
            and all(one in self.item for one in value)
        )


@dataclass(frozen=True)
class Texts(_Several):
    """From `least` to `most` texts, as a tuple."""


@dataclass(frozen=True)
class Ints(_Several):
    """From `least` to `most` whole numbers, as a tuple."""


@dataclass(frozen=True)
class VersionPair(_Plain):
    """(major, minor); raises VersionError for another major than ours."""

    def __str__(self) -> str:
        return f"[{VERSION[0]}, 0 to {limits.NUMBER}]"

    def __contains__(self, value: Any) -> bool:
        if type(value) is not tuple or len(value) != 2:
            return False
        if not all(type(part) is int and 0 <= part <= limits.NUMBER for part in value):
            return False
        if value[0] != VERSION[0]:
            raise VersionError(f"{value[0]}.{value[1]}, expected {VERSION[0]}.x")
        return True


_LONGEST = {
    "sources": limits.SOURCES,
    "channels": limits.CHANNELS,
    "frames": limits.FRAMES,
}


@dataclass(frozen=True)
class Samples(_Plain):
    """A payload of float32 samples with these axes, each from 1 to its limit."""

    axes: tuple[str, ...]

    def __str__(self) -> str:
        return f"float32 samples of shape ({', '.join(self.axes)})"

    def __contains__(self, value: Any) -> bool:
        right = type(value) is np.ndarray and value.dtype == np.float32
        return right and bool(self.count(value.shape))

    def read(self, wire: Any) -> Any:
        """`wire` itself: the codec made it from a payload whose shape it has checked."""
        return wire

    def count(self, shape: Any) -> int:
        """Samples in an array of this shape; raises ValueError when it is none of ours."""
        if type(shape) is not tuple or len(shape) != len(self.axes):
            raise ValueError(f"{shown(shape)}, expected a shape ({', '.join(self.axes)})")
        count = 1
        for length, axis in zip(shape, self.axes, strict=True):
            if type(length) is not int or not 1 <= length <= _LONGEST[axis]:
                raise ValueError(f"{shown(length)} {axis}, expected 1 to {_LONGEST[axis]}")
            count *= length
        return count


@dataclass(frozen=True)
class Tree(_Plain):
    """A payload of nested maps and lists with texts, whole numbers, true, false and nil."""

    def __str__(self) -> str:
        return f"a map of at most {limits.TREE_DEPTH} levels, without floats"

    def __contains__(self, value: Any) -> bool:
        return type(value) is dict and _is_tree(value, limits.TREE_DEPTH)


_KEY = Text(limits.STRING_BYTES)
_LEAVES: dict[type, _Plain] = {
    str: Text(limits.TEXT_BYTES),
    int: Int(-(2**63), limits.TOKEN),
    bool: Flag(),
}


def _is_tree(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list | tuple):
        return value is None or (type(value) in _LEAVES and value in _LEAVES[type(value)])
    if levels == 0 or len(value) > limits.TREE_ITEMS:
        return False
    if isinstance(value, dict):
        return all(key in _KEY and _is_tree(one, levels - 1) for key, one in value.items())
    return all(_is_tree(one, levels - 1) for one in value)
