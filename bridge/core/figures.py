"""Percentiles of durations in bounded memory.

The idea is G. Tene's HdrHistogram: values are counted in bins whose width grows with the value, so
that every percentile is off by the same small share of itself at most.
"""

from __future__ import annotations

_BITS = 7
"""Values below 2**7 have a bin each; above, every octave is cut in 2**6 bins."""

_LONGEST = (1 << 36) - 1
"""19 hours in microseconds; what is longer is counted as this, but `max` is exact."""


class Durations:
    """How long things took, in whole microseconds, at least 0.

    Percentiles are never below the true ones and at most 1/64 (1.6 %) above. Adding allocates
    nothing; the memory is that of some 2000 counters.
    """

    def __init__(self) -> None:
        self._counts = [0] * (_bin(_LONGEST) + 1)
        self._count = 0
        self._max = 0

    @property
    def count(self) -> int:
        """How many were added."""
        return self._count

    @property
    def max(self) -> int:
        """The longest, exactly; 0 when there is none."""
        return self._max

    def add(self, duration_us: int) -> None:
        """Count one. Raises ValueError for a negative one."""
        if duration_us < 0:
            raise ValueError(f"nothing takes {duration_us} us; use a clock that never goes back")
        self._counts[_bin(min(duration_us, _LONGEST))] += 1
        self._count += 1
        self._max = max(self._max, duration_us)

    def percentile(self, per_mille: int) -> int:
        """The smallest duration that at least this share is not longer than: 500 is the median.

        In microseconds, up to 1/64 above the true one; 0 when nothing was added. 1000 is `max`.
        """
        wanted = max(1, -(-self._count * per_mille // 1000))
        seen = 0
        for index, count in enumerate(self._counts):
            seen += count
            if seen >= wanted and index < len(self._counts) - 1:
                return min(_last(index), self._max)
        return self._max


def _bin(value: int) -> int:
    shift = max(0, value.bit_length() - _BITS)
    return (shift << (_BITS - 1)) + (value >> shift)


def _last(index: int) -> int:
    """The largest value that is counted in a bin."""
    shift = max(0, (index >> (_BITS - 1)) - 1)
    return ((index - (shift << (_BITS - 1)) + 1) << shift) - 1
