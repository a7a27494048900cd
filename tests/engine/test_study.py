"""What a study plays, against sessions that play the same plan alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.core.study import Case, Score
from bridge.core.timeline import Span
from bridge.engine.study import Pass, Song
from tests.engine import oracle
from tests.engine.playing import FOUR, Player, everything, fake, noise, placed, plan_for

STEP = 300
WINDOW = 4000
CASES = [
    Case(WINDOW, STEP, 0, 0),
    Case(WINDOW, STEP, 500, 250),
    Case(WINDOW, STEP, 1300, 300),
    Case(WINDOW, 2 * STEP, 500, 100),
    Case(WINDOW, 4 * STEP, 1000, 500),
    Case(WINDOW, STEP, 1300, 1300),  # an average of up to six runs
    Case(WINDOW, 2 * STEP, 1000, 900),
]
MEASURED = Span(2000, 5000)
REFERENCE = np.stack([noise(MEASURED.length, seed=n) for n in range(1, 5)])
TRUTH = np.stack([noise(MEASURED.length, seed=n) for n in range(5, 9)])


def study(model, song, cases, step=STEP):
    made = Pass(model, song, cases, step)
    assert list(made.play(lambda context: model.run([context])[0])) == list(range(1, made.runs + 1))
    return {outcome.case: outcome for outcome in made.outcomes}


def song_of(frames=9000, measured=MEASURED, reference=REFERENCE, truth=None):
    return Song(noise(frames), measured, reference, 50, truth)


def live(model, case, signal):
    """The stems of a session with this plan, to which the silence before belongs as well."""
    plan = plan_for(
        model, model.rate, case.hop, lookahead=case.lookahead, window=case.window, fade=case.fade
    )
    whole = np.pad(signal, ((0, 0), (case.lead, case.hop + case.lookahead)))
    player = Player(model, plan, whole, residual=False).play("random").end()
    return everything(player)[..., case.lead :]


def scored(case, song, stems):
    """The score of `stems` from the song's first frame on, counted at once."""
    score = Score(len(FOUR))
    part = stems[..., song.measured.start : song.measured.stop]
    score.add(song.reference, part, case.is_near(song.measured, song.near))
    return score


def assert_same(found, wanted):
    assert found.frames.tolist() == wanted.frames.tolist()
    np.testing.assert_allclose(found.snr(), wanted.snr(), atol=1e-4)
    assert found.seam_excess() == pytest.approx(wanted.seam_excess(), abs=1e-4, nan_ok=True)


def test_every_plan_is_scored_as_a_session_that_has_it():
    model, song = placed(), song_of()
    outcomes = study(model, song, CASES)
    for case in CASES:
        assert_same(outcomes[case].score, scored(case, song, live(model, case, song.audio)))
    # Or it would not matter which plan it is.
    assert len({tuple(outcomes[case].score.snr()) for case in CASES}) == len(CASES)


@settings(max_examples=15)
@given(st.data())
def test_any_plan_anywhere_in_any_song_is_scored_as_a_session(data):
    def draw(low, high):
        return data.draw(st.integers(low, high))

    step = draw(50, 200)
    cases = []
    for lookahead in range(draw(0, 90), 400, draw(90, 200)):
        hop = step * draw(1, 3)
        cases.append(Case(1500, hop, lookahead, draw(0, lookahead)))
    measured = Span(draw(0, 700), draw(1, 700))
    frames = draw(measured.stop, 1500)  # it may end before the look-ahead does
    reference = np.stack([noise(measured.length, seed=n) for n in range(1, 5)])
    model, song = placed(), song_of(frames, measured, reference)
    outcomes = study(model, song, cases, step)
    for case in cases:
        assert_same(outcomes[case].score, scored(case, song, live(model, case, song.audio)))


def test_true_stems_are_compared_as_well():
    model, song = placed(), song_of(truth=TRUTH)
    outcomes = study(model, song, CASES[:2])
    other = song_of(reference=TRUTH)
    for case in CASES[:2]:
        wanted = scored(case, other, live(model, case, song.audio))
        assert_same(outcomes[case].truth, wanted)
    assert study(model, song_of(), CASES[:1])[CASES[0]].truth.frames.sum() == 0


def test_a_model_that_looks_ahead_has_no_error_once_it_may():
    """The fake gives its stems from `delay` frames ahead, and nothing beyond the window."""
    model = fake(delay=100)
    song = song_of()
    plain = oracle.live(
        lambda window: np.stack([window * g for g in (0.5, 0.25, 0.0625, 0.125)]),
        plan_for(model, model.rate, 500),
        song.audio,
    )
    part = plain[..., MEASURED.start : MEASURED.stop].astype(np.float32)
    song = Song(song.audio, MEASURED, part, 50)
    case = Case(8000, 500, 356, 128)
    outcome = study(model, song, [case], 500)[case]
    assert min(outcome.score.snr()) > 100


def test_runs_before_the_part_that_counts_are_left_out():
    model, song = placed(), song_of(50_000, Span(40_000, 5000))
    early = Pass(model, song, CASES[:2], STEP)
    assert early.runs <= (5000 + 500) // STEP + 5


def test_what_was_measured_so_far_stays():
    model = placed()
    made = Pass(model, song_of(), CASES, STEP)
    for done in made.play(lambda context: model.run([context])[0]):
        if done == made.runs // 2:
            break
    frames = [outcome.score.frames.sum() for outcome in made.outcomes]
    assert all(0 < count < MEASURED.length for count in frames)
