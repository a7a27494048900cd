"""Latencies for other languages to check theirs against: `python -m tests.core.latency_vectors`.

Writes `tests/vectors/latency.json`, whose every number is a whole one.
"""

import json
from itertools import cycle, product
from pathlib import Path

from bridge.core.conversion import Conversion
from bridge.core.latency import Allowances, latency
from bridge.core.live_plan import LivePlan
from bridge.core.polyphase import design

FILE = Path(__file__).parents[1] / "vectors" / "latency.json"
ABOUT = (
    "docs/LATENCY.md. Rates in Hz; hop, lookahead and outgoing_half in frames of the model; "
    "incoming_half, block, burst, guard, effects and latency in frames of the host; *_us in "
    "microseconds"
)
HOST_RATES = (22_050, 24_000, 32_000, 44_100, 48_000, 64_000, 88_200, 96_000, 176_400, 192_000)
ODD_RATES = (8000, 11_025, 16_000, 37_800, 44_056, 44_101, 47_952, 50_400, 352_800, 384_000)
BLOCKS = (1, 16, 32, 63, 64, 128, 256, 441, 480, 512, 1000, 1024, 2048, 4096, 8192)
HOPS = (1, 147, 441, 540, 1000, 4410, 6301, 44_100, 88_200, 100_003, 147_147, 339_884)


def shapes():
    """Of each case rates, hop, look-ahead, half widths and block."""
    for place, (host, block) in enumerate(product(HOST_RATES, BLOCKS)):
        halves = design(host, 44_100).half, design(44_100, host).half
        hop = HOPS[(5 * place + place // len(HOPS)) % len(HOPS)]
        yield host, 44_100, hop, (4096, 0, 2205)[place % 3], *halves, block
    for place, host in enumerate(ODD_RATES * 2):
        yield host, 44_100, HOPS[7 * place % len(HOPS)], 4096, 80 + place, 90 + place, 512
    for host, block in product((44_100, 48_000, 96_000, 192_000), (1, 64, 127, 512, 8192)):
        grid = 540 * host // 48_000
        yield host, host, grid * (1 + block % 5), 2 * grid, 0, 0, block
    for host, model in ((2, 3), (3, 2), (1, 1), (1, 7), (160, 147)):
        for hop, half in ((1, 0), (7, 3), (42, 5)):
            yield host, model, hop, 2, half + 1, half, 3
    yield 384_000, 44_100, 2_600_000, 40_000, 780, 89, 65_536  # 60 s: products beyond 32 bits


def text():
    """The file, one case a line."""
    bursts, guards = cycle((2, 0, 2, 5)), cycle((64, 0, 240, 1, 480))
    effects = cycle((0, 0, 0, 441, 0, 0, 7))
    times = cycle(product((2_500_000, 4321, 1), (0, 777, 20_000), (0, 1500), (1000, 0)))
    cases = []
    for host, model, hop, lookahead, incoming, outgoing, block in shapes():
        there, back = Conversion(host, model, incoming), Conversion(model, host, outgoing)
        plan = LivePlan(there, back, hop, lookahead, hop + lookahead)
        compute, transport, margin, polling = next(times)
        allowances = Allowances(compute, transport, margin, polling)
        case = {
            "host_rate": host,
            "model_rate": model,
            "hop": hop,
            "lookahead": lookahead,
            "incoming_half": incoming,
            "outgoing_half": outgoing,
            "block": block,
            "burst": next(bursts) * block,
            "guard": next(guards),
            "effects": next(effects),
            "compute_us": compute,
            "transport_us": transport,
            "margin_us": margin,
            "polling_us": polling,
        }
        calls = {name: case[name] for name in ("burst", "guard", "effects")}
        total = latency(plan, block, **calls, allowance_us=allowances.total_us)
        cases.append(json.dumps({**case, "latency": total}))
    lines = ",\n    ".join(cases)
    return f'{{\n  "about": {json.dumps(ABOUT)},\n  "cases": [\n    {lines}\n  ]\n}}\n'


if __name__ == "__main__":
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(text(), encoding="utf-8")
