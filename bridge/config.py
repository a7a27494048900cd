"""Settings of a bounce and of a server, checked once when they are made, frozen from then on."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from string import Formatter
from typing import Any

from bridge.errors import UsageError

FORMATS = ("wav", "flac", "mp3", "ogg", "aiff")
BITS = ("16", "24", "32f")
RESIDUALS = ("other", "off", "file")
CLIPS = ("none", "rescale", "clamp")
PRECISIONS = ("exact", "fast")
SESSIONS = ("dawproject", "ardour", "reaper")
LOSSY = ("mp3", "ogg")
DEFAULT_TEMPLATE = "{track}/{stem}.{ext}"
FIELDS = ("track", "stem", "ext", "model", "folder")
MAX_OVERLAP = 0.95  # twenty windows for each frame; beyond it only time is lost
MAX_SHIFTS = 100
MAX_BATCH = 1024
MAX_CALIBRATE = 60  # seconds, as no duration on the wire is longer
MIN_TEMPO, MAX_TEMPO = 20, 666  # beats a minute; the narrowest of the DAWs that sessions are for
MAX_SECONDS = 10_000_000  # longer than any file: 2**32 frames at 1 kHz are half of it


@dataclass(frozen=True)
class BounceSettings:
    """What `stembridge bounce` does with each song.

    Raises UsageError for values, and combinations of values, that cannot work. `start` and `end`
    are seconds from the beginning of the file.
    """

    model: str = "auto"
    stems: tuple[str, ...] | None = None
    two_stems: str | None = None
    format: str = "wav"
    bits: str | None = None
    residual: str = "other"
    clip: str = "none"
    overlap: float | None = None
    shifts: int = 0
    seed: int = 0
    precision: str = "exact"
    device: str = "auto"
    batch: int | None = None
    start: float | None = None
    end: float | None = None
    template: str = DEFAULT_TEMPLATE
    session: tuple[str, ...] = ()
    tempo: float | None = None
    overwrite: bool = False
    resume: bool = False
    allow_pickle: bool = False

    def __post_init__(self) -> None:
        self._check_stems()
        self._check_format()
        if not self.model.strip():
            raise UsageError("--model is empty; name one, or leave it out")
        if self.overwrite and self.resume:
            raise UsageError("--overwrite and --resume exclude each other; use one of them")
        _within("--overlap", self.overlap, 0, MAX_OVERLAP)
        _within("--shifts", self.shifts, 0, MAX_SHIFTS)
        _within("--batch", self.batch, 1, MAX_BATCH)
        _within("--seed", self.seed, 0, 2**63 - 1)
        _one_of("--residual", self.residual, RESIDUALS)
        _one_of("--clip", self.clip, CLIPS)
        _one_of("--precision", self.precision, PRECISIONS)
        _check_device(self.device)
        _within("--start", self.start, 0, MAX_SECONDS)
        _within("--end", self.end, 0, MAX_SECONDS)
        if self.end is not None and self.end <= (self.start or 0):
            raise UsageError(f"--end {self.end} s is not after --start {self.start or 0.0} s")
        _check_template(self.template)
        self._check_sessions()

    def _check_stems(self) -> None:
        if self.stems is not None and self.two_stems is not None:
            raise UsageError("--stems and --two-stems exclude each other; use one of them")
        if self.stems is not None and len(set(self.stems)) != len(self.stems):
            raise UsageError(f"--stems {','.join(self.stems)} names a stem twice")
        if self.stems == ():
            raise UsageError("--stems names no stem; leave it out for all of them")
        if self.two_stems is not None and not self.two_stems.strip():
            raise UsageError("--two-stems is empty; name a stem, or leave it out")

    def _check_format(self) -> None:
        _one_of("--format", self.format, FORMATS)
        if self.bits is not None:
            _one_of("--bits", self.bits, BITS)
            check_bits(self.format, self.bits)

    def _check_sessions(self) -> None:
        for kind in self.session:
            _one_of("--session", kind, SESSIONS)
        if len(set(self.session)) != len(self.session):
            raise UsageError(f"--session {','.join(self.session)} names a kind twice")
        _within("--tempo", self.tempo, MIN_TEMPO, MAX_TEMPO)
        if self.tempo is not None and not self.session:
            raise UsageError("--tempo is of a session; add --session, or leave --tempo out")

    def identity(self) -> dict[str, Any]:
        """The settings that stems depend on, for the manifest and for resuming.

        Sessions are made from finished stems, and can be added to them later.
        """
        values = asdict(self)
        for name in ("overwrite", "resume", "allow_pickle", "session", "tempo"):
            del values[name]
        return values


@dataclass(frozen=True)
class ServeSettings:
    """What `stembridge serve` does, wherever it listens.

    calibrate: seconds for which a model is measured before its first use. idle_exit: seconds
    without a session after which it ends, 0 to stay. Raises UsageError for values that cannot work.
    """

    device: str = "auto"
    calibrate: float = 20.0
    idle_exit: float = 0.0

    def __post_init__(self) -> None:
        _check_device(self.device)
        _within("--calibrate", self.calibrate, 0, MAX_CALIBRATE)
        _within("--idle-exit", self.idle_exit, 0, MAX_SECONDS)


def check_bits(kind: str, bits: str) -> None:
    """Raise UsageError where files of the format `kind` do not hold samples of `bits`."""
    if kind in LOSSY:
        raise UsageError(f"--bits {bits} does not apply to {kind}; leave --bits out")
    if kind == "flac" and bits == "32f":
        raise UsageError("flac cannot hold --bits 32f; use --bits 24, or --format wav")


def parse_time(text: str) -> float:
    """Seconds from `83.5`, `1:23.5` or `1:02:03`. Raises UsageError for anything else."""
    # Each part below the first is less than sixty.
    below = r"([0-5]?\d"
    match = re.fullmatch(
        rf"()()(\d+(?:\.\d+)?)|()(\d+):{below}(?:\.\d+)?)|(\d+):{below}):{below}(?:\.\d+)?)", text
    )
    if match is None:
        raise UsageError(f"'{text}' is not a time; write seconds (83.5) or [hours:]minutes:seconds")
    hours, minutes, seconds = (float(p or 0) for p in match.groups() if p is not None)
    return hours * 3600 + minutes * 60 + seconds


def _within(option: str, value: float | None, low: float, high: float) -> None:
    if value is not None and not low <= value <= high:
        raise UsageError(f"{option} {value} is out of range; use {low} to {high}")


def _one_of(option: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise UsageError(f"{option} {value} is unknown; use one of {', '.join(known)}")


def _check_device(name: str) -> None:
    """Whether this machine has it is only known where torch is loaded."""
    if not re.fullmatch(r"auto|cpu|cuda(:\d{1,3})?|mps", name):
        raise UsageError(f"unknown --device '{name}'; use auto, cpu, cuda, cuda:N or mps")


def _check_template(template: str) -> None:
    try:
        pieces = list(Formatter().parse(template))
    except ValueError as error:
        raise UsageError(f"--template '{template}': {error}") from None
    names = [name for _, name, _, _ in pieces if name is not None]
    for name, spec, conversion in ((n, s, c) for _, n, s, c in pieces if n is not None):
        if name not in FIELDS or spec or conversion:
            raise UsageError(
                f"--template '{template}': '{{{name}}}' is unknown; use "
                + ", ".join(f"{{{field}}}" for field in FIELDS)
            )
    if "stem" not in names:
        raise UsageError(f"--template '{template}' must contain {{stem}}, or stems overwrite stems")
    if "track" not in names and "folder" not in names:
        raise UsageError(f"--template '{template}' must contain {{track}} or {{folder}}")
    parts = template.replace("\\", "/").split("/")
    if template.startswith(("/", "\\", "~")) or ".." in parts or re.match(r"[A-Za-z]:", template):
        raise UsageError(f"--template '{template}' leaves the folder of -o; use a relative path")
    if any(part.startswith(".") for part in parts):
        raise UsageError(f"--template '{template}' has a hidden name in it; leave out the dot")
    if not parts[-1].strip() or "\0" in template:
        raise UsageError(f"--template '{template}' does not end in a file name")
