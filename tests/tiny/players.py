"""The four players of a synthetic song: each turns a score into a stem of shape (2, T)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tests.tiny import instruments as play

if TYPE_CHECKING:
    from tests.tiny.instruments import Array
    from tests.tiny.score import Score

# Sixteenths of a bar; x is a note.
KICKS = ("x...x...x...x...", "x.....x.x.......", "x..x..x...x.....", "x.........x..x..")
SNARES = ("....x.......x...", "....x.......x..x", "........x.......", "....x..x.x..x...")
HATS = ("x.x.x.x.x.x.x.x.", "xxxxxxxxxxxxxxxx", "..x...x...x...x.", "x..xx..xx..xx.x.")
BASSES = ("x.x.x.x.x.x.x.x.", "x.....x.x.....x.", "x..x..x...x..x..", "x.......x.......")
STRUMS = ("x...x...x...x...", "x..x..x...x..x..", "x.......x.......", "..x...x...x...x.")


def _hits(pattern: str) -> list[int]:
    return [step for step, mark in enumerate(pattern) if mark == "x"]


def _any(rng: np.random.Generator, patterns: tuple[str, ...]) -> list[int]:
    return _hits(patterns[rng.integers(len(patterns))])


def drums(score: Score, rng: np.random.Generator) -> Array:
    """Kick, snare, hats and fills with toms, in a short room: (2, T)."""
    rate, track = score.rate, np.zeros((2, score.length))
    kick, snare = play.kick(rng, rate), play.snare(rng, rate)
    closed, opened = play.hat(rng, rate, rng.uniform(0.03, 0.08)), play.hat(rng, rate, 0.3)
    toms = [play.tom(rng, rate, hz * rng.uniform(0.9, 1.1)) for hz in (170, 125, 90)]
    kicks, snares, hats = _any(rng, KICKS), _any(rng, SNARES), _any(rng, HATS)
    loud, side = rng.uniform(0.5, 1.2, 3), rng.uniform(-0.5, 0.5, 2)

    def hit(bar: int, step: int, sound: Array, level: float, place: float) -> None:
        level *= rng.uniform(0.75, 1.0)
        play.add_at(track, score.frame(bar, step), play.pan(sound * level, place))

    for bar in range(score.bars):
        section = score.section(bar)
        fill = (bar + score.first_bar) % 4 == 3 and rng.random() < 0.6
        for step in hats:
            sound = opened if step == 14 and section == 1 else closed
            accent = 1.0 if step % 4 == 0 else 0.6
            hit(bar, step, sound, 0.5 * loud[2] * accent, side[0])
        for step in kicks if section < 2 else ():
            hit(bar, step, kick, loud[0] + 0.2, 0.0)
        for step in snares if section < 2 else (4,):
            if not (fill and step > 11):
                hit(bar, step, snare, loud[1], side[1] * 0.3)
        for count, step in enumerate((12, 13, 14, 15) if fill else ()):
            hit(bar, step, toms[min(count, 2)], 0.8, 0.4 - 0.35 * count)
    return play.room(track, rate, rng, rng.uniform(0.1, 0.4), rng.uniform(0.05, 0.35))


def bass(score: Score, rng: np.random.Generator) -> Array:
    """One line that follows the roots: sub, plucked, saw or modulated: (2, T)."""
    rate, line = score.rate, np.zeros(score.length)
    kind, steps = int(rng.integers(4)), _any(rng, BASSES)
    bright, decay = rng.uniform(0.1, 0.8), rng.uniform(1.0, 4.0)
    hold = rng.uniform(0.5, 1.0)
    for bar in range(score.bars):
        for step, following in zip(steps, [*steps[1:], 16], strict=True):
            degree = score.chord(bar) + (int(rng.choice([0, 0, 0, 4, 7])) if step > 8 else 0)
            note = score.note(degree) - 24
            hz = float(play.hertz(note - 12 if note > 47 else note))
            length = max(2000, int((following - step) * score.beat / 4 * rate * hold))
            t = play.seconds_of(length, rate)
            if kind == 0:
                sound = np.tanh((0.8 + 2 * bright) * np.sin(2 * np.pi * hz * t))
            elif kind == 1:
                sound = play.string(hz, length, rate, bright * 0.7, decay)
            elif kind == 2:
                sound = play.saw(hz, length, rate) + play.saw(hz * 1.005, length, rate, 0.3)
            else:
                sweep = (0.5 + 3 * bright) * np.exp(-t * 2 * decay)
                sound = np.sin(2 * np.pi * hz * t + sweep * np.sin(2 * np.pi * hz * t))
            sound = play.edges(sound, rate, 0.006, 0.03) * rng.uniform(0.8, 1.0)
            play.add_at(line, score.frame(bar, step), sound)
    corner = rng.uniform(250, 900) if kind == 2 else 1800.0
    return play.pan(play.low_pass(line, rate, corner, rng.uniform(0, 0.8)), rng.uniform(-0.1, 0.1))


def _chord_sound(
    kind: int, hz: float, length: int, score: Score, tone: tuple[float, float]
) -> Array:
    bright, decay = tone
    if kind == 0:
        left = play.saw(hz * 0.997, length, score.rate) + play.saw(hz, length, score.rate, 0.4)
        return play.edges(0.4 * left, score.rate, 0.12, 0.15)
    if kind == 1:
        return play.edges(
            play.string(hz, length, score.rate, bright, decay), score.rate, 0.002, 0.05
        )
    if kind == 2:
        sound = play.electric_piano(hz, length, score.rate, bright)
        return play.edges(0.5 * sound, score.rate, 0.004, 0.08)
    return play.edges(0.4 * play.organ(hz, length, score.rate, bright), score.rate, 0.02, 0.05)


def _layer(score: Score, rng: np.random.Generator, kind: int) -> Array:
    """Chords (held, struck or broken into single notes) on one instrument: (2, T)."""
    rate, track = score.rate, np.zeros((2, score.length))
    tone = (float(rng.uniform(0.2, 0.9)), float(rng.uniform(0.8, 3.0)))
    broken = kind > 0 and rng.random() < 0.4
    steps = [0] if kind == 0 else list(range(0, 16, 2)) if broken else _any(rng, STRUMS)
    octave = 7 * int(rng.integers(-1, 2)) if broken else 7 * int(rng.integers(-1, 1))
    places, voices = rng.uniform(-0.8, 0.8, 4), int(rng.integers(3, 5))
    made: dict[tuple[int, int], Array] = {}
    for bar in range(score.bars):
        for count, (step, following) in enumerate(zip(steps, [*steps[1:], 16], strict=True)):
            length = int((following - step) * score.beat / 4 * rate * (1.6 if kind == 1 else 1.0))
            for member in [count % voices] if broken else range(voices):
                note = score.note(score.chord(bar) % 7 + 2 * member + octave)
                if (note, length) not in made:
                    hz = float(play.hertz(note))
                    made[note, length] = _chord_sound(kind, hz, length, score, tone)
                start = score.frame(bar, step) + int(member * 0.008 * rate * (kind == 1))
                play.add_at(track, start, play.pan(made[note, length], places[member]))
    if kind == 0:
        corner, speed = rng.uniform(600, 3500), rng.uniform(0.05, 0.4)
        track = np.stack([play.low_pass(side, rate, corner, 0.7, speed) for side in track])
    return track


def other(score: Score, rng: np.random.Generator) -> Array:
    """One or two layers of pads, strings, electric piano or organ in a room: (2, T)."""
    kinds = rng.permutation(4)[: int(rng.integers(1, 3))]
    track = sum(_layer(score, rng, int(kind)) * rng.uniform(0.4, 1.0) for kind in kinds)
    return play.room(np.asarray(track), score.rate, rng, rng.uniform(0.3, 1.2), rng.uniform(0, 0.4))


def _melody(score: Score, rng: np.random.Generator) -> list[tuple[int, int, int]]:
    """Syllables as (first frame, length, degree): phrases of two bars that end in a rest."""
    syllables, degree = [], int(rng.integers(0, 5))
    for bar in range(0, score.bars, 2):
        if score.section(bar) == 2 and rng.random() < 0.6:
            continue
        step = int(rng.choice([0, 2, 4]))
        while step < rng.integers(22, 30):
            steps = int(rng.choice([2, 2, 2, 3, 4, 6]))
            degree = int(np.clip(degree + rng.integers(-2, 3), -2, 8))
            start = score.frame(bar, step)
            syllables.append((start, score.frame(bar, step + steps) - start, degree))
            step += steps
    return [each for each in syllables if each[0] < score.length - 2000]


def _sing(score: Score, rng: np.random.Generator, line: list[tuple[int, int, int]]) -> Array:
    """A voice with portamento, vibrato, vowels, consonants and breaths: (T,)."""
    rate, size = score.rate, score.length
    centre, throat = rng.uniform(52, 66), rng.uniform(0.88, 1.2)
    notes, level = np.full(size, np.nan), np.zeros(size)
    formants, noise = np.zeros((3, size)), np.zeros(size)
    vibrato = np.zeros(size)
    ends = 0
    for start, length, degree in line:
        note = score.note(degree)
        notes[ends:] = note - 12 * round((note - centre - 6) / 12)
        vowel = play.VOWELS[rng.integers(len(play.VOWELS))] * throat
        formants[:, ends:] = vowel[:, None]
        consonant = int(rng.choice([0, 0.03, 0.08]) * rate)
        level[start + consonant : start + int(length * 0.94)] = rng.uniform(0.6, 1.0)
        vibrato[start + int(0.18 * rate) : start + length] = 1.0
        if consonant:
            burst = rng.standard_normal(consonant) * np.hanning(consonant) * rng.uniform(0.1, 0.35)
            play.add_at(noise, start, burst)
        if start - ends > 0.5 * rate:
            inhale = rng.standard_normal(int(0.25 * rate)) * 0.03
            play.add_at(noise, start - inhale.size, inhale * np.hanning(inhale.size))
        ends = start + length
    if not line:
        return noise
    t = play.seconds_of(size, rate)
    wobble = np.sin(2 * np.pi * rng.uniform(4.8, 6.6) * t) * play.smooth(vibrato, rate // 8)
    drift = play.smooth(rng.standard_normal(size) * 6.0, rate // 20)
    pitch = play.smooth(notes, int(rng.uniform(0.02, 0.07) * rate))
    hz = play.hertz(pitch + rng.uniform(0.1, 0.5) * wobble + drift)
    formants = np.stack([play.smooth(each, rate // 20) for each in formants])
    cords = play.sing(hz, rng.uniform(0.02, 0.15), rate, rng)
    sung = play.tract(cords * play.smooth(level, rate // 50), formants, rate)
    hiss = noise - play.low_pass(noise, rate, rng.uniform(2500, 5000))
    return sung + hiss


def vocals(score: Score, rng: np.random.Generator) -> Array:
    """A lead in the middle, sometimes with a second voice a third above, in a room: (2, T)."""
    line = _melody(score, rng)
    track = play.pan(_sing(score, rng, line), rng.uniform(-0.1, 0.1))
    if rng.random() < 0.25:
        upper = [(start, length, degree + 2) for start, length, degree in line]
        track += play.pan(_sing(score, rng, upper) * 0.5, rng.choice([-0.6, 0.6]))
    return play.room(track, score.rate, rng, rng.uniform(0.3, 1.5), rng.uniform(0.05, 0.3))
