"""Ways in which Stem Bridge can be told to run a model, such as `exact`, `fast` or `fast@torch`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bridge.config import PRECISIONS, BounceSettings
from bridge.engine.openvino_core import ENGINES


@dataclass(frozen=True)
class Variant:
    """A precision, and the engine that is asked for; "" leaves it to the program."""

    precision: str
    engine: str = ""

    @classmethod
    def parse(cls, text: str) -> Variant:
        """From `PRECISION` or `PRECISION@ENGINE`. Raises ValueError for what there is not."""
        precision, _, engine = text.partition("@")
        if precision not in PRECISIONS:
            raise ValueError(f"'{text}' is no variant; use one of {', '.join(PRECISIONS)}")
        if engine and engine not in ENGINES:
            raise ValueError(f"'{text}': no such engine; use one of {', '.join(ENGINES)}")
        return cls(precision, engine)

    @property
    def name(self) -> str:
        """As it is written."""
        return f"{self.precision}@{self.engine}" if self.engine else self.precision

    def settings(self, model: str, **others: Any) -> BounceSettings:
        """The settings of a bounce with it."""
        return BounceSettings(model=model, precision=self.precision, **others)

    @property
    def options(self) -> list[str]:
        """The options of a command that ask for it."""
        return ["--precision", self.precision]

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs in its environment that runs it."""
        return {"STEMBRIDGE_ENGINE": self.engine} if self.engine else {}
