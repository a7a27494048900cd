"""The newest stretch of the input: to be sent, to be sent again, and to be heard as it came in."""

from __future__ import annotations

from bridge.core.ring import Audio, Ring


class History:
    """The newest `capacity` frames of a signal that begins at `start`, by absolute frame.

    Before its beginning a signal is silent, and so are the frames before `start` that fit.
    """

    def __init__(self, channels: int, capacity: int, start: int = 0) -> None:
        self._ring = Ring((channels,), capacity)
        self._stop = start

    @property
    def start(self) -> int:
        """Oldest frame that can be read."""
        return self._stop - self._ring.capacity

    @property
    def stop(self) -> int:
        """First frame that is not here yet."""
        return self._stop

    def append(self, block: Audio) -> None:
        """Take the next frames, shape (C, n), float32; the oldest ones make room for them."""
        kept = block[:, max(0, block.shape[1] - self._ring.capacity) :]
        self._stop += block.shape[1]
        self._ring.write(self._stop - kept.shape[1], kept)

    def read(self, start: int, length: int) -> Audio:
        """A copy of the frames from `start` on, shape (C, length).

        Raises ValueError for frames that are gone or have yet to come.
        """
        if start < self.start or start + length > self._stop:
            raise ValueError(
                f"frames {start} to {start + length} are not all within the {self._ring.capacity} "
                f"kept before {self._stop}"
            )
        return self._ring.read(start, length)
