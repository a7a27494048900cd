"""What all messages share: a table of fields, made once, that checks and reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from typing import Any, ClassVar, Self, TypeVar, dataclass_transform, get_type_hints

from bridge.errors import LocalProtocolError
from bridge.protocol.fields import Kind, Samples, Tree, shown

_set = object.__setattr__  # how a frozen instance is filled


class Record:
    """Named fields, each with its kind. Made by `@record` or `@message`.

    Construction raises LocalProtocolError for a value that the protocol does not allow.
    """

    __slots__ = ()
    kinds: ClassVar[dict[str, Kind]]
    defaults: ClassVar[dict[str, Any]]

    def __post_init__(self) -> None:
        for name, kind in self.kinds.items():
            value = getattr(self, name)
            try:
                kind.check(value)
            except ValueError as error:
                label = f"{type(self).__name__}.{name}"
                raise LocalProtocolError(f"{label} is {error}") from None

    @classmethod
    def read(cls, wire: Mapping[str, Any]) -> Self:
        """The record that a map from the wire holds; fields that are not known are ignored.

        Raises ValueError, in words, for a field that is missing or holds what it must not.
        """
        made = cls.__new__(cls)
        for name, kind in cls.kinds.items():
            value = wire.get(name, MISSING)
            if value is not MISSING:
                try:
                    _set(made, name, kind.read(value))
                except ValueError as error:
                    raise type(error)(f"{name} is {error}") from None
            elif name in cls.defaults:
                _set(made, name, cls.defaults[name])
            else:
                raise ValueError(f"{name} is missing, expected {kind}")
        return made


class Message(Record):
    """A record that travels by itself; `payload` names the field that is a frame of its own."""

    __slots__ = ()
    wire_name: ClassVar[str]
    payload: ClassVar[str | None]


@dataclass(frozen=True)
class Nested:
    """A field that holds another record, as a map; None where `optional`, and then not sent."""

    type: type[Record]
    optional: bool = False

    def __str__(self) -> str:
        return f"a map, see {self.type.__name__}"

    def check(self, value: Any) -> Any:
        """`value` itself; raises ValueError when it is another record, or none."""
        if type(value) is not self.type and not (self.optional and value is None):
            raise ValueError(f"{shown(value)}, expected a {self.type.__name__}")
        return value

    def read(self, wire: Any) -> Any:
        """The record in a map from the wire; raises ValueError when it holds none."""
        if type(wire) is not dict:
            raise ValueError(f"{shown(wire)}, expected {self}")
        try:
            return self.type.read(wire)
        except ValueError as error:
            raise ValueError(f"no {self.type.__name__}: {error}") from None


MESSAGES: dict[str, type[Message]] = {}
"""All messages by their names on the wire."""

_R = TypeVar("_R", bound=Record)
_M = TypeVar("_M", bound=Message)


@dataclass_transform(frozen_default=True)
def record(cls: type[_R]) -> type[_R]:
    """Decorator: a frozen dataclass of annotated fields that checks itself."""
    hints = get_type_hints(cls, include_extras=True)
    kinds = {name: hints[name].__metadata__[0] for name in cls.__annotations__}
    plain = not any(isinstance(kind, Samples) for kind in kinds.values())  # arrays have no ==
    made: type[_R] = dataclass(frozen=True, slots=True, eq=plain)(cls)
    made.kinds = kinds
    made.defaults = {f.name: f.default for f in fields(made) if f.default is not MISSING}  # type: ignore[arg-type]
    return made


@dataclass_transform(frozen_default=True)
def message(cls: type[_M]) -> type[_M]:
    """Decorator: a record that the codec knows by its name in capitals."""
    made = record(cls)
    payloads = [name for name, kind in made.kinds.items() if isinstance(kind, Samples | Tree)]
    made.payload = payloads[0] if payloads else None
    made.wire_name = cls.__name__.upper()
    MESSAGES[made.wire_name] = made
    return made
