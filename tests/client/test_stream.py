"""Streams that wait, over real sockets: what comes out is what one separation of it all gives."""

import gc
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from bridge.client import StemStream
from bridge.client.patience import Patience
from bridge.client.ticker import SECONDS
from bridge.core.latency_presets import LATENCY_PRESETS
from bridge.errors import InputError, ServerError, UsageError
from tests.attempts import tried
from tests.client.conftest import BLOCK
from tests.client.scripted import RATE, latency_of, separate
from tests.client.scripted_server import eventually

LOW, QUALITY = LATENCY_PRESETS["low"], LATENCY_PRESETS["quality"]


def signal(length, seed=0):
    """Stereo of small whole numbers, which the scripted model separates exactly."""
    numbers = np.random.default_rng(seed).integers(-8, 9, (2, length))
    return numbers.astype(np.float32)


def play(stream, audio, blocks):
    """All that comes out for `audio` in blocks of these sizes, again and again."""
    out: list[np.ndarray] = []
    at = 0
    while at < audio.shape[1]:
        size = blocks[len(out) % len(blocks)]
        out.append(stream.process(audio[:, at : at + size]))
        assert out[-1].shape == (3, 2, min(size, audio.shape[1] - at))
        at += size
    return np.concatenate(out, axis=2)


def count_threads():
    """Threads of streams that are in use."""
    gc.collect()
    return sum(thread.name == "stembridge" for thread in threading.enumerate())


@pytest.mark.parametrize("blocks", [[1, 2], [BLOCK], [7, 50, 1, 33], [433]])
def test_stems_come_latency_later_whatever_the_blocks(server, open_stream, blocks):
    stream, audio = open_stream(), signal(900)
    heard = np.concatenate([play(stream, audio, blocks), stream.drain()], axis=2)
    assert heard.dtype == np.float32
    assert not heard[:, :, : stream.latency].any()
    np.testing.assert_array_equal(heard[:, :, stream.latency :], separate(server.plan, audio))
    assert stream.late_frames == 0
    assert stream.position == 900


def test_what_a_stream_says_of_itself(server, open_stream):
    stream = open_stream(model="spectral", origin=2**40)
    assert stream.stems == ("drums", "other", "vocals")
    assert (stream.model, stream.licence, stream.preview) == ("spectral", "none", True)
    assert stream.plan == server.saved
    assert (stream.connected, stream.warnings) == (True, ())
    assert (stream.position, stream.late_frames) == (2**40, 0)
    play(stream, signal(500), [BLOCK])
    stats = stream.stats()
    assert stats["late_frames"] == stats["reconnects"] == 0
    assert stats["ping_us"]["count"] >= 16
    assert stats["round_trip_us"]["count"] > 0
    assert stats["slack_us"]["min"] is None  # nothing is due where one waits


def test_what_the_server_is_asked_for(server, open_stream):
    open_stream(latency=12.5, burst=0, precision="fast", residual=False, context=0.05, model="m")
    inquiry, asked = server.session.asked
    assert not inquiry.realtime
    assert (asked.rate, asked.block, asked.channels, asked.model) == (RATE, BLOCK, 2, "m")
    assert (asked.latency_us, asked.burst, asked.precision) == (12_500, 0, "fast")
    assert (asked.context, asked.lookahead) == (400, -1)  # at the rate that the inquiry told
    assert not asked.residual
    assert asked.transport_us > 0
    assert asked.saved is None


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({"latency": "balanced"}, (0, -1)),
        ({"latency": "auto"}, (0, -1)),
        ({"latency": "low"}, (400 // LOW.part, LOW.lookahead_at(RATE))),
        ({"latency": "quality"}, (0, QUALITY.lookahead_at(RATE))),
        # What is said in numbers goes before the name.
        ({"latency": "low", "context": 0.04}, (320, LOW.lookahead_at(RATE))),
        ({"latency": "quality", "lookahead": 0.01}, (0, 80)),
        # It always reads the same, so that any name is the smallest latency.
        ({"latency": "low", "model": "spectral"}, (0, -1)),
    ],
)
def test_a_latency_by_name_asks_for_a_window_and_a_look_ahead(server, open_stream, options, wanted):
    open_stream(**{"model": "m", **options})
    asked = server.session.asked[-1]
    assert (asked.context, asked.lookahead) == wanted
    assert asked.latency_us == 0
    # Where nothing depends on the model, it is not asked for first.
    assert len(server.session.asked) == 1 + (options["latency"] in {"low", "quality"})


def test_audio_travels_in_pieces_that_the_server_takes(server, open_stream):
    server.options["most_frames"] = 20
    stream, audio = open_stream(), signal(400)
    heard = play(stream, audio, [BLOCK])
    expected = separate(server.plan, audio)[:, :, : 400 - stream.latency]
    np.testing.assert_array_equal(heard[:, :, stream.latency :], expected)
    assert max(server.session.pieces) == 20


def test_input_that_no_run_waits_for_is_saved_up_until_the_caller_falls_silent(server, open_stream):
    server.options["most_frames"] = 5000
    server.answers(hop=3000, window=4000)
    stream = open_stream(realtime=True)

    def play_on():
        """The longest pause between two blocks, and the messages that the server has got."""
        stream.reset()
        stream.process(signal(1))
        total = stream.position
        eventually(lambda: sum(server.session.pieces) == total)  # of an attempt before as well
        before, longest, last = len(server.session.pieces), 0.0, time.monotonic()
        for _ in range(250):  # half the time between two looks of the thread in the background
            time.sleep(0.001)
            stream.process(signal(2))
            last, pause = time.monotonic(), time.monotonic() - last
            longest = max(longest, pause)
        return longest, server.session.pieces[before:]

    pause, pieces = tried(play_on, lambda seen: seen[0] < SECONDS / 2)
    assert pause > SECONDS / 2 or not pieces
    total = stream.position
    eventually(lambda: sum(server.session.pieces) == total)


def test_other_types_shapes_and_numbers_of_audio(server, open_stream):
    audio = signal(300)
    wanted = play(open_stream(), audio, [BLOCK])
    heard = play(open_stream(), audio.astype(np.float64), [BLOCK])
    np.testing.assert_array_equal(heard, wanted)

    strange = audio.copy()
    strange[0, 10:13] = [np.nan, np.inf, -np.inf]
    audio[0, 10:13] = 0
    stream = open_stream()
    heard = play(stream, strange, [BLOCK])
    expected = separate(server.plan, audio)[:, :, : 300 - stream.latency]
    np.testing.assert_array_equal(heard[:, :, stream.latency :], expected)
    assert stream.process(audio[:, :0]).shape == (3, 2, 0)


def test_one_channel_may_come_without_its_axis(server, open_stream):
    stream, audio = open_stream(channels=1), signal(300)[:1]
    heard = [stream.process(audio[0, at : at + 30]) for at in range(0, 300, 30)]
    expected = separate(server.plan, audio)[:, :, : 300 - stream.latency]
    np.testing.assert_array_equal(np.concatenate(heard, axis=2)[:, :, stream.latency :], expected)


@pytest.mark.parametrize(
    ("block", "words"),
    [
        (np.zeros((1, 8), np.float32), r"shape \(1, 8\) does not fit 2"),
        (np.zeros(8, np.float32), r"shape \(8,\) does not fit 2"),
        (np.zeros((2, 8, 1), np.float32), "does not fit"),
        (np.zeros((2, 8), np.int16), "int16 is no audio"),
        ([[0, "x"], [1, 2]], "is no audio"),
        (np.zeros((2, 8), complex), "complex128 is no audio"),
    ],
)
def test_what_is_no_block_is_refused_and_changes_nothing(open_stream, block, words):
    stream = open_stream()
    with pytest.raises(InputError, match=words):
        stream.process(block)
    assert stream.position == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"rate": 1000}, "rate 1000 is out of range; use 8000 to 384000 Hz"),
        ({"rate": 48000.0}, "rate 48000.0"),
        ({"block": 0}, "block 0"),
        ({"channels": 3}, "channels 3"),
        ({"model": " "}, "names no model"),
        ({"latency": 0}, "latency 0 is out of range"),
        ({"latency": "short"}, "latency 'short'"),
        ({"latency": 10**400}, "latency 1000"),
        ({"rate": np.int64(48_000)}, r"rate np.int64\(48000\) is no int; use 8000"),
        ({"residual": "yes"}, "residual 'yes' is unknown; use one of True, False"),
        ({"realtime": None}, "realtime None is unknown"),
        ({"model": "a\nb"}, "model 'a b' names no model"),
        ({"model": "m" * 2000}, "names no model"),
        ({"context": -1.0}, "context -1.0"),
        ({"lookahead": float("nan")}, "lookahead nan"),
        ({"burst": -1}, "burst -1"),
        ({"late": "noise"}, "late 'noise' is unknown; use one of dry, silence"),
        ({"precision": "half"}, "precision 'half'"),
        ({"timeout": 0}, "timeout 0"),
        ({"origin": -1}, "origin -1"),
    ],
)
def test_settings_that_cannot_work_are_refused_at_once(options, words):
    with pytest.raises(UsageError, match=words):
        StemStream(**{"rate": 48_000, "block": 512, **options})


def test_resets_begin_anew_while_the_stems_before_still_come(server, open_stream):
    stream, parts = open_stream(), [signal(n, seed=n) for n in (333, 90, 40, 400)]
    pieces = []
    for part in parts:
        stream.reset()
        pieces.append(play(stream, part, [BLOCK, 3]))
    heard = np.concatenate([*pieces, stream.drain()], axis=2)[:, :, stream.latency :]
    expected = np.concatenate([separate(server.plan, part) for part in parts], axis=2)
    np.testing.assert_array_equal(heard, expected)
    assert [(reset.origin, reset.start) for reset in server.session.resets] == [
        (at, at) for at in (0, 333, 423, 463)
    ]


def test_a_reset_may_leave_the_grid_where_it_was(server, open_stream):
    stream, audio = open_stream(origin=1000), signal(400)
    stream.reset(origin=970)
    heard = play(stream, audio, [BLOCK])[:, :, stream.latency :]
    played = np.pad(audio, ((0, 0), (30, 0)))
    np.testing.assert_array_equal(
        heard, separate(server.plan, played)[:, :, 30:][..., : heard.shape[2]]
    )
    for origin in (-1, stream.position + 1):
        with pytest.raises(
            UsageError, match=f"origin {origin} is out of range; use 0 to 1400 frames"
        ):
            stream.reset(origin)


@pytest.mark.parametrize("origin", [1.5, True, "x", np.float64(3)])
def test_a_reset_to_what_is_no_frame_is_refused_and_changes_nothing(server, open_stream, origin):
    stream, audio = open_stream(), signal(300)
    before = play(stream, audio[:, :200], [BLOCK])
    with pytest.raises(UsageError, match="is no int; use 0 to 200 frames"):
        stream.reset(origin)
    heard = np.concatenate([before, play(stream, audio[:, 200:], [BLOCK]), stream.drain()], axis=2)
    np.testing.assert_array_equal(heard[:, :, stream.latency :], separate(server.plan, audio))


def test_after_draining_it_begins_anew(server, open_stream):
    stream, parts = open_stream(), [signal(200), signal(300, seed=1)]
    for part in parts:
        heard = np.concatenate([play(stream, part, [BLOCK]), stream.drain()], axis=2)
        assert not heard[:, :, : stream.latency].any()
        np.testing.assert_array_equal(heard[:, :, stream.latency :], separate(server.plan, part))
    assert stream.drain().shape == (3, 2, stream.latency)
    assert not stream.drain().any()


def test_reconfiguring_begins_anew_with_the_new_plan(server, open_stream):
    stream = open_stream()
    play(stream, signal(200), [BLOCK])
    server.answers(hop=90, lookahead=25)
    before = stream.latency
    stream.reconfigure(model="another", latency=50)
    assert (stream.model, stream.plan.hop, stream.position) == ("another", 90, 200)
    assert stream.latency != before
    audio = signal(300, seed=2)
    heard = np.concatenate([play(stream, audio, [BLOCK]), stream.drain()], axis=2)
    assert not heard[:, :, : stream.latency].any()
    np.testing.assert_array_equal(heard[:, :, stream.latency :], separate(server.plan, audio))
    assert len(server.sessions) == 1


def test_a_refused_reconfiguration_changes_nothing(server, open_stream):
    stream, audio = open_stream(), signal(500)
    before = play(stream, audio[:, :200], [BLOCK])
    server.session.refusal = ("latency", "50.0 ms is too short")
    with pytest.raises(ServerError, match=r"50\.0 ms is too short"):
        stream.reconfigure(latency=50)
    with pytest.raises(UsageError, match="block 0"):
        stream.reconfigure(block=0)
    heard = np.concatenate([before, play(stream, audio[:, 200:], [BLOCK])], axis=2)
    expected = separate(server.plan, audio)[:, :, : 500 - stream.latency]
    np.testing.assert_array_equal(heard[:, :, stream.latency :], expected)


def test_a_refused_stream_says_why_and_leaves_nothing(server, open_stream):
    server.refusal = ("load", "16 sessions are all that fit")
    threads = count_threads()
    with pytest.raises(ServerError, match="16 sessions are all that fit"):
        open_stream()
    assert count_threads() == threads


def test_progress_is_told(server, open_stream):
    server.options["progress"] = [("loading", 1, 2), ("measuring", 0, 0)]
    told = []
    open_stream(on_progress=lambda *news: told.append(news))
    assert told == [("loading", 1, 2), ("measuring", 0, 0)]


def test_no_server_is_an_error_in_words(tmp_path):
    with pytest.raises(ServerError, match=r"there is no .*nothing\.json"):
        StemStream(48_000, 512, connection=tmp_path / "nothing.json")


@pytest.mark.slow
def test_a_server_that_is_gone_is_an_error_in_words(server, open_stream):
    server.kill()
    try:
        with pytest.raises(ServerError, match="does not answer"):
            open_stream()
    finally:
        server.start()


def test_a_server_that_hangs_is_an_error_and_leaves_nothing(server, open_stream):
    gc.collect()
    files = len(list(Path("/dev/fd").iterdir()))
    with server.lock, pytest.raises(ServerError, match=r"no progress for 0.2 s"):
        open_stream(timeout=0.2)
    # The server's end is in this process too, and goes when it sees that ours is gone.
    eventually(lambda: len(list(Path("/dev/fd").iterdir())) <= files)


def test_waiting_ends_without_progress_and_so_does_the_stream(server, open_stream):
    stream = open_stream()
    stream._driver._patience = Patience(0.5)
    server.working = False
    with pytest.raises(ServerError, match=r"no progress for 0.5 s"):
        play(stream, signal(500), [BLOCK])
    with pytest.raises(ServerError, match="closed"):
        stream.process(signal(10))


def test_closing_tells_the_server_and_ends_the_thread(server, open_stream):
    threads = count_threads()
    with open_stream() as stream:
        assert count_threads() == threads + 1
    assert count_threads() == threads
    assert not stream.connected
    eventually(lambda: server.session.book.token == 0)
    stream.close()
    for use in (lambda: stream.process(signal(10)), stream.drain, stream.reset, stream.reconfigure):
        with pytest.raises(ServerError, match="closed"):
            use()
    assert stream.latency == latency_of(server.plan, server.saved)


def test_a_stream_that_is_dropped_leaves_nothing_behind(server):
    threads = count_threads()
    stream = StemStream(RATE, BLOCK, connection=server.file)
    stream.process(signal(20))
    assert count_threads() == threads + 1
    del stream
    assert count_threads() == threads
    eventually(lambda: server.session.book.token == 0)
