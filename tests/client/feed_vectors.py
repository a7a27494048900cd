"""What a client sends, for other languages: `python -m tests.client.feed_vectors`.

Writes `tests/vectors/feed.json`: random lives of a `Feed` beside a server that answers as it may.
Every number is whole, and so is every sample: frame f of channel c is (7 f + 13 c) % 251 - 125.
"""

import json
from pathlib import Path
from random import Random

import numpy as np

from bridge.client.feed import Feed
from bridge.core.conversion import Conversion
from bridge.core.history import History
from bridge.core.live_plan import LivePlan
from bridge.core.polyphase import design
from bridge.protocol.messages import Audio, Configured, Credit, Drain, Drained, Reset, Stems
from tests.client.scripted import SOURCES, live_plan, saved_plan

FILE = Path(__file__).parents[1] / "vectors" / "feed.json"
ABOUT = (
    "steps: [play, frames], [begin, origin], [end], [lose, last], [agree, request, credit, phase], "
    "[credit, epoch, received], [stems, epoch, start, frames, received], [drained, epoch], and "
    "[next, epoch number, most, due, whole, result], where result is null, [reset, epoch, origin, "
    "start, request, phase], [audio, epoch, start, frames, got, sum of samples, sum of samples "
    "each times its place from 1 on] or [drain, epoch, stop]"
)
STEPS = 120
PLANS = (
    live_plan(window=111),
    live_plan(hop=7, lookahead=0, window=50, fade=0),
    LivePlan(design(48_000, 44_100), design(44_100, 48_000), 300, 100, 900, 60),
    LivePlan(Conversion(3, 2, 5), Conversion(2, 3, 4), 20, 10, 90, 10),
)


def signal(start, frames):
    """Samples of shape (2, frames), whole numbers."""
    frame, channel = np.arange(start, start + frames), np.array([[0], [1]])
    return ((7 * frame + 13 * channel) % 251 - 125).astype(np.float32)


class Life:
    """One feed and the steps of its life."""

    def __init__(self, plan, random):
        self.capacity, self.held = random.choice((300, 900, 3000)), random.choice((1, 16, 200))
        self.history = History(2, self.capacity)
        self.feed = Feed(self.history, plan, self.held)
        self.plan, self.random, self.steps = plan, random, []
        self.number, self.request, self.due = 0, 0, -random.choice((20, 150, 600))
        self.known: dict[int, list[int]] = {}  # of each open epoch: sent, received, stems' end
        self.drained: set[int] = set()
        self.agree()

    def agree(self):
        self.request += 1
        credit = self.random.choice((40, 200, 1000))
        phase = self.random.choice((0, self.random.randrange(self.plan.hop)))
        saved = saved_plan(live_plan(), block=50)
        common = (150, saved, SOURCES, credit, "m", False, "none", (), (), phase)
        self.feed.agree(Configured(5, self.request, *common))
        self.known.clear()
        self.steps.append(["agree", self.request, credit, phase])

    def play(self):
        frames = self.random.randint(1, self.random.choice((4, 120)))
        self.history.append(signal(self.history.stop, frames))
        self.due += self.random.choice((0, frames, frames))
        self.steps.append(["play", frames])

    def begin(self):
        back = self.random.choice((0, 0, 0, 30, 400))
        origin = max(0, self.history.stop - back)
        self.feed.begin(origin)
        self.steps.append(["begin", origin])

    def end(self):
        self.feed.end()
        self.steps.append(["end"])
        self.begin()

    def lose(self):
        last = max(1, self.number - self.random.choice((0, 0, 1)))
        self.feed.lose(last)
        self.steps.append(["lose", last])

    def answer(self):
        if not self.known:
            return
        number = self.random.choice(sorted(self.known))
        sent, received, ended = self.known[number]
        match self.random.choice(("credit", "stems", "drained")):
            case "credit":
                received = self.random.randint(received, sent)
                self.feed.take(Credit(5, number, received))
                self.steps.append(["credit", number, received])
            case "stems" if ended < sent:
                start = self.random.randint(ended, sent - 1)
                frames = self.random.randint(1, sent - start)
                block = np.zeros((3, 2, frames), np.float32)
                self.feed.take(Stems(5, number, start, received, block))
                self.steps.append(["stems", number, start, frames, received])
                ended = start + frames
            case "drained" if number in self.drained:
                self.feed.take(Drained(5, number, sent))
                self.steps.append(["drained", number])
                del self.known[number]
                return
        self.known[number] = [sent, received, ended]

    def send(self):
        whole = self.random.random() < 0.3
        most = self.random.choice((30, 300))
        number = self.number + 1
        message = self.feed.next(5, number, most, due=self.due, now_us=0, whole=whole)
        result: list[object] | None = None
        match message:
            case Reset():
                self.number = number
                self.known[number] = [message.start] * 3
                at = [message.origin, message.start, message.request, message.phase]
                result = ["reset", number, *at]
            case Audio():
                audio = message.audio.astype(np.int64)
                count, flat = audio.shape[1], audio.ravel()
                sums = [int(flat.sum()), int((flat * np.arange(1, flat.size + 1)).sum())]
                result = ["audio", message.epoch, message.start, count, message.got, *sums]
                self.known[message.epoch][0] = message.start + count
            case Drain():
                self.drained.add(message.epoch)
                result = ["drain", message.epoch, message.stop]
        self.steps.append(["next", number, most, self.due, whole, result])

    def live(self):
        choices = (self.play, self.send, self.answer, self.begin, self.end, self.lose, self.agree)
        for _ in range(STEPS):
            self.random.choices(choices, (6, 12, 6, 0.4, 0.2, 0.3, 0.1))[0]()
        there, back = self.plan.incoming, self.plan.outgoing
        parts = (there.source, there.target, there.half, back.half)
        cut = (self.plan.hop, self.plan.lookahead, self.plan.window, self.plan.fade)
        head = {"plan": [*parts, *cut], "capacity": self.capacity, "held": self.held}
        return {**head, "steps": self.steps}


def text():
    """The file, one life a line."""
    random = Random(11)  # noqa: S311 - a life is no secret
    lives = [json.dumps(Life(PLANS[n % len(PLANS)], random).live()) for n in range(24)]
    lines = ",\n    ".join(lives)
    return f'{{\n  "about": {json.dumps(ABOUT)},\n  "lives": [\n    {lines}\n  ]\n}}\n'


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
