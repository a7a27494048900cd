"""What a live stream has to give, the slow way: whole arrays in double precision.

Nothing of the engine is used but the separator itself, and the plan only for its numbers.
"""

import numpy as np

from tests.core.windowed_sinc import weight


def resampled(conversion, signal, count):
    """Frames [0, count) of `signal` (..., n) at the other rate; in front and behind is silence."""
    source, target, half = conversion.source, conversion.target, conversion.half
    nearest, phase = np.divmod(np.arange(count) * source, target)
    behind = max(0, count and int(nearest[-1]) + half + 1 - signal.shape[-1])
    padded = np.zeros((*signal.shape[:-1], half + signal.shape[-1] + behind))
    padded[..., half : half + signal.shape[-1]] = signal
    if source == target:
        return padded[..., :count]
    phases, which = np.unique(phase, return_inverse=True)
    found = np.zeros((*signal.shape[:-1], count))
    for tap in range(-half, half + 1):
        shares = weight(source, target, phases / target - tap)
        found += padded[..., nearest + tap + half] * shares[which]
    return found


def separated(separate, plan, signal, count):
    """Stems (S, C, count) of windows of `signal` (C, n), float32, joined with those around them.

    What a run says of a frame counts in proportion to how far that is from the ends of what the run
    gives, up to the length of the fade.

    `separate` makes stems (S, C, window) of a window (C, window); all at the model's rate.
    """
    hop, ahead, length, fade = plan.hop, plan.lookahead, plan.window, plan.fade
    runs = -(-count // hop)
    before = length - hop - ahead
    padded = np.pad(signal, ((0, 0), (before, runs * hop + ahead)))
    ramp = np.minimum(np.arange(hop + fade) + 1, fade + 1)
    shares = np.minimum(ramp, ramp[::-1])
    total, weight = np.zeros(0), np.zeros(runs * hop + fade)
    for run in range(runs):
        stems = separate(padded[:, run * hop : run * hop + length])
        if run == 0:
            total = np.zeros((*stems.shape[:2], runs * hop + fade))
        part = stems[..., before : before + hop + fade] * shares
        total[..., run * hop : run * hop + hop + fade] += part
        weight[run * hop : run * hop + hop + fade] += shares
    return (total / weight)[..., :count]


def live(separate, plan, signal, *, rest=None, whole=False):
    """Stems (S, C, n) of `signal` (C, n) at the host's rate, float64.

    rest: number of the stem that gets what the others leave. whole: `separate` takes the whole
    signal rather than windows.
    """
    count = signal.shape[1]
    # As many frames as anything that is asked for can depend on.
    back = (count - 1) * plan.outgoing.source // plan.outgoing.target + plan.outgoing.half + 1
    ahead = plan.lookahead + plan.hop
    both = np.repeat(signal, 2, axis=0) if len(signal) == 1 else signal
    given = resampled(plan.incoming, both, back + ahead).astype(np.float32)
    stems = separate(given) if whole else separated(separate, plan, given, back)
    if len(signal) == 1:
        stems = stems.mean(axis=1, keepdims=True)
    found = resampled(plan.outgoing, stems[..., :back], count)
    if rest is not None:
        found[rest] += signal - found.sum(axis=0)
    return found
