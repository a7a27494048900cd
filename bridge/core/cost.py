"""What one run of a model takes on a device."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cost:
    """How long runs take, in microseconds, with whatever is added for safety.

    typical_us: nearly all runs. worst_us: the longest one. They differ by what a run seldom has to
    wait for, such as an operating system that takes the core away for some milliseconds.
    long_us: nearly all runs with `Traits.long_hop`, 0 where they were not timed.

    Raises ValueError unless 1 <= typical_us <= worst_us, and for a negative long_us.
    """

    typical_us: int
    worst_us: int
    long_us: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.typical_us <= self.worst_us or self.long_us < 0:
            raise ValueError(
                f"a run cannot take {self.typical_us} us, and {self.worst_us} us at worst; "
                "measure it again"
            )

    @property
    def stall_us(self) -> int:
        """By how much the longest run exceeds the others."""
        return self.worst_us - self.typical_us
