"""The open epochs of a session: what was sent, received and promised in each.

Both ends keep the same book: a client enters what it sends and what comes, a server likewise. An
entry that breaks the protocol raises Violation; one for an epoch that is over changes nothing,
since messages cross.
"""

from __future__ import annotations

from dataclasses import dataclass

from bridge.protocol import limits
from bridge.protocol.codes import Code
from bridge.protocol.messages import Audio, Credit, Drain, Drained, Reset, Stems


class Violation(Exception):  # noqa: N818 - whose mistake it is, only the session knows
    """A message that the protocol does not allow; `code` is that of the ERROR it deserves."""

    def __init__(self, code: Code, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True, slots=True)
class Terms:
    """What a CONFIGURE and its CONFIGURED agreed on. latency, credit, phase: host frames."""

    channels: int
    sources: int
    latency: int
    credit: int
    phase: int = 0


@dataclass(slots=True)
class Epoch:
    """One epoch; all positions are absolute host frames, exclusive ends.

    input_end: of all input sent. received: input the server has acknowledged. stems_end: of all
    stems sent. got: of those that the client said it got. stop: where the input ends for good, None
    while it goes on.
    """

    number: int
    terms: Terms
    origin: int
    start: int
    input_end: int
    received: int
    stems_end: int
    got: int
    stop: int | None = None


class Epochs:
    """The epochs of one session; at most `limits.EPOCHS` are open.

    newest: number of the last one, open or over; request: whose plan it has or had.
    """

    def __init__(self) -> None:
        self.newest = 0
        self.request = 0
        self._open: dict[int, Epoch] = {}

    @property
    def current(self) -> Epoch | None:
        """The newest epoch while it is open, drained or not."""
        return self._open.get(self.newest)

    @property
    def in_flight(self) -> int:
        """Host frames of the newest epoch's stems that the client has not said it got.

        Of the ones before nobody says it any more; they end where it begins.
        """
        epoch = self.current
        return 0 if epoch is None else epoch.stems_end - epoch.got

    def clear(self) -> None:
        """All epochs are over, whatever they still had to give."""
        self._open.clear()

    def reset(self, message: Reset, terms: Terms) -> None:
        """Open an epoch; what the earlier ones have from its origin on is the new one's."""
        if message.epoch <= self.newest:
            raise Violation(
                Code.ORDER, f"epoch {message.epoch} after {self.newest}; count epochs up"
            )
        if message.start < message.origin:
            raise Violation(
                Code.ORDER,
                f"an epoch that starts at {message.start}, before its origin {message.origin}",
            )
        if message.phase not in (0, terms.phase):
            raise Violation(
                Code.ORDER, f"a phase of {message.phase}, expected {terms.phase}, as was agreed"
            )
        for epoch in list(self._open.values()):
            end = epoch.input_end if epoch.stop is None else epoch.stop
            epoch.stop = min(end, message.origin)
            if epoch.stop <= epoch.start:
                del self._open[epoch.number]
        start = message.start
        self.newest, self.request = message.epoch, message.request
        self._open[message.epoch] = Epoch(
            message.epoch, terms, message.origin, start, start, start, start, start
        )
        while len(self._open) > limits.EPOCHS:
            del self._open[min(self._open)]

    def audio(self, message: Audio) -> bool:
        """Enter input; False when its epoch is over."""
        epoch = self._find(message.epoch)
        if epoch is None:
            return False
        channels, frames = message.audio.shape
        if channels != epoch.terms.channels:
            raise Violation(
                Code.FORMAT, f"{channels} channels of input, expected {epoch.terms.channels}"
            )
        if epoch.stop is not None or not epoch.start <= message.start <= epoch.input_end:
            raise Violation(
                Code.ORDER,
                f"input at {message.start}, expected some from {epoch.start} to {epoch.input_end} "
                "before the epoch is drained; leave no gap",
            )
        end, most = message.start + frames, epoch.received + epoch.terms.credit
        if end > limits.FRAME:  # no other message could name it
            raise Violation(Code.ORDER, f"input up to {end}, expected at most {limits.FRAME}")
        if end > most:
            raise Violation(
                Code.CREDIT, f"input up to {end}, expected at most {most}; wait for credit"
            )
        epoch.input_end = max(epoch.input_end, end)
        # It is the client's word: what was never sent it cannot have got.
        epoch.got = max(epoch.got, min(message.got, epoch.stems_end))
        return True

    def drain(self, message: Drain) -> bool:
        """Enter the end of the input; False when the epoch is over."""
        epoch = self._find(message.epoch)
        if epoch is None:
            return False
        if epoch.stop is not None:
            raise Violation(Code.ORDER, f"epoch {epoch.number} has been drained before")
        if not epoch.start <= message.stop <= epoch.input_end:
            raise Violation(
                Code.ORDER,
                f"an end at {message.stop}, expected {epoch.start} to {epoch.input_end}; "
                "send the input first",
            )
        epoch.stop = message.stop
        return True

    def stems(self, message: Stems) -> bool:
        """Enter stems; False when their epoch is over."""
        epoch = self._find(message.epoch)
        if epoch is None:
            return False
        expected = (epoch.terms.sources, epoch.terms.channels)
        if message.audio.shape[:2] != expected:
            raise Violation(
                Code.FORMAT, f"stems of shape {message.audio.shape}, expected {(*expected, 'n')}"
            )
        end = message.start + message.audio.shape[2]
        if message.start < epoch.stems_end or end > epoch.input_end:
            raise Violation(
                Code.ORDER,
                f"stems from {message.start} to {end}, expected some from "
                f"{epoch.stems_end} to {epoch.input_end}",
            )
        self._acknowledge(epoch, message.received)
        if epoch.got == epoch.stems_end:
            epoch.got = message.start  # what is left out before these is not under way either
        epoch.stems_end = end
        return True

    def credit(self, message: Credit) -> bool:
        """Enter an acknowledgement; False when its epoch is over."""
        epoch = self._find(message.epoch)
        if epoch is not None:
            self._acknowledge(epoch, message.received)
        return epoch is not None

    def drained(self, message: Drained) -> bool:
        """Close a drained epoch; False when it was over already."""
        epoch = self._find(message.epoch)
        if epoch is not None and epoch.stop is None:
            raise Violation(Code.ORDER, f"epoch {epoch.number} has not been drained")
        return self._open.pop(message.epoch, None) is not None

    def _find(self, number: int) -> Epoch | None:
        if number > self.newest:
            raise Violation(
                Code.ORDER, f"epoch {number}, expected at most {self.newest}; send RESET first"
            )
        return self._open.get(number)

    def _acknowledge(self, epoch: Epoch, received: int) -> None:
        if not epoch.received <= received <= epoch.input_end:
            raise Violation(
                Code.ORDER,
                f"input received up to {received}, expected {epoch.received} to {epoch.input_end}",
            )
        epoch.received = received
