"""Which frames of a live stream depend on what, frame by frame."""


def taps(conversion, frame):
    """Source frames that target frame `frame` is made from: those within reach, on either side."""
    middle = frame * conversion.source // conversion.target
    half = conversion.half
    return range(middle - half + 1, middle + half + 1) if half else range(middle, middle + 1)


class Trust:
    """Which frames depend on nothing but input from `start` on and runs that were not skipped."""

    def __init__(self, plan, start=0, skipped=()):
        self.plan, self.start, self.skipped = plan, start, set(skipped)
        known = (n for n in range(10**6) if all(k >= start for k in taps(plan.incoming, n)))
        self.first = next(known) if start else None

    def run(self, run):
        plan = self.plan
        begins = (run + 1) * plan.hop + plan.lookahead - plan.window
        whole = self.first is None or begins >= self.first
        return whole and run not in self.skipped

    def model_frame(self, frame):
        hop, last = self.plan.hop, frame // self.plan.hop
        # Those before run 0 there never are.
        reached = (run for run in range(last, -1, -1) if frame < (run + 1) * hop + self.plan.fade)
        return frame < 0 or all(map(self.run, reached))

    def frames(self, count):
        there = {
            frame: self.model_frame(frame)
            for frame in range(-2000, self.plan.outgoing.needed(count) + 1)
        }
        reached = (taps(self.plan.outgoing, frame) for frame in range(count))
        return {n for n, frames in enumerate(reached) if all(map(there.__getitem__, frames))}
