"""The part of docs/BENCH.md that is written by what was measured; the rest stays as it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from benchmarks.compare import tables
from benchmarks.compare.results import Result, stored

PATH = Path(__file__).parents[2] / "docs" / "BENCH.md"
BEGIN = "<!-- benchmarks.compare writes from here ... -->"
END = "<!-- ... to here -->"
BUSY = 0.3
"""Cores that others keep busy from which on it is worth a word."""

SECTIONS: dict[str, tuple[str, Callable[[Result], list[str]]]] = {
    "offline": ("The network, from samples to samples", tables.offline),
    "bag": ("A bag of four networks, as htdemucs_ft", tables.bag),
    "commands": ("Whole commands, from the start of the process to the last byte", tables.commands),
    "memory": ("Peak memory of the commands", tables.memory),
    "outside": ("Outside of the network", tables.outside),
    "sdr": ("Quality of a trained network", tables.sdr),
    "startup": ("Start-up", tables.startup),
    "live": ("The live engine beside the network", tables.live),
    "sidecar": ("The sidecar beside nothing", tables.sidecar),
    "latency": ("The smallest latency of a network on this machine", tables.latency),
    "roundtrip": ("A round trip beside a bare echo", tables.roundtrip),
}


HEAD = (
    "Written by `python -m benchmarks.compare all write`, or part by part. Both sides of a ratio",
    "ran in turn, on the same audio and weights; it is the median of all rounds, with the lowest",
    "and the highest behind it. SNR is that of the worst stem against demucs' own `apply_model` in",
    "the same run. Weights are random and at full size, with every LayerScale raised, so that each",
    "block counts.",
)


def write(path: Path = PATH) -> None:
    """Put what every part found last between the markers of the document."""
    path.write_text(replaced(path.read_text(), section()))


def replaced(text: str, section: str) -> str:
    """`text` with `section` between the markers, which go to its end where it has none.

    Raises ValueError for markers that are not one pair in their order.
    """
    if BEGIN not in text and END not in text:
        text = f"{text.rstrip()}\n\n{BEGIN}\n{END}\n"
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end) or BEGIN in rest or END in after or END in before:
        raise ValueError(f"the document needs '{BEGIN}' and then '{END}', each once")
    return f"{before}{BEGIN}\n{section}{END}{after}"


def section() -> str:
    """All parts that were measured."""
    results = [found for part in SECTIONS if (found := stored(part)) is not None]
    places = list(dict.fromkeys(result.where for result in results))
    lines: list[str] = [
        "## Beside demucs",
        "",
        *HEAD,
        "",
    ]
    if any(result.small for result in results):
        lines += ["**Small networks, to try this out: the figures mean nothing.**", ""]
    lines += [f"- Machine {number}: {place}" for number, place in enumerate(places, 1)] + [""]
    for result in results:
        title, table = SECTIONS[result.part]
        place = f"machine {places.index(result.where) + 1}"
        busy = f", with {result.load:.1f} cores busy before" if result.load >= BUSY else ""
        lines += [
            f"### {title}",
            "",
            *table(result),
            "",
            f"`python -m benchmarks.compare {result.part}`, {result.date}, {place}{busy}.",
            "",
        ]
    return "\n".join(lines)
