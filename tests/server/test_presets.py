"""The effects of presets on live stems, through a running server."""

import numpy as np
import pytest
import soundfile

from bridge.client.patience import Patience
from bridge.errors import ServerError
from tests.networks import hybrid_transformer, save_network
from tests.runtime.test_live_effects import TEXT, by_hand, loud
from tests.server.playing import RATE, announced, blocks, expected, noise, opened, played
from tests.server.sidecar import Sidecar
from tests.server.test_recovery import killed

EXACT = 1e-5


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A sidecar whose user has a preset of their own."""
    folder = tmp_path_factory.mktemp("s")
    with Sidecar(folder, "--calibrate", "0.2") as running:
        presets = folder / "c" / "presets"
        presets.mkdir(parents=True)
        (presets / "live.toml").write_text(TEXT)
        yield running


def kill_worker(server):
    """Kill the worker of the only session."""
    server.wait_for_sessions(1)
    [session] = server.status()["sessions"]
    assert killed(server.workers()[session["worker"]])


@pytest.mark.parametrize("rate", [44_100, 48_000])
@pytest.mark.parametrize("block", [64, 512, "random"])
@pytest.mark.parametrize("model", ["fake:segment=4096", "spectral"])
def test_live_equals_the_same_plan_and_the_effects_by_hand(server, model, block, rate):
    song = noise(rate, seed=rate)
    options = {"rate": rate, "block": announced(block), "preset": "live"}
    with opened(server, model, **options) as live:
        assert live.plan.effects > 0
        stems = played(live, song, block)
        wanted = by_hand(expected(live, song, rate), rate)
        assert live.late_frames == 0
        off = np.abs(stems - wanted).max()
        print(f"{model} at {rate} in {block}: off by {off:.1e}")  # noqa: T201 - for pytest -rP
        assert off <= EXACT
        assert np.abs(wanted - expected(live, song, rate)).max() > 100 * EXACT


def test_the_smallest_latency_grows_by_what_effects_hold_back(server):
    with opened(server, "spectral", None, preset="live") as live:
        plan = live.plan
        allowed_us = plan.compute_us + plan.transport_us + plan.margin_us + plan.polling_us
        # At equal rates; see docs/LATENCY.md.
        dry = plan.hop + plan.lookahead + plan.block + plan.burst + plan.guard - 2
        assert live.latency == dry + -(-allowed_us * RATE // 1_000_000) + plan.effects
        assert plan.effects > 0


def test_a_preset_begins_and_ends_in_mid_stream(server):
    song = noise(3 * RATE // 2)
    cuts = (RATE // 2, RATE)
    parts, whole = np.split(song, cuts, axis=1), []
    with opened(server, "spectral") as live:
        for part, name in zip(parts, ("", "live", ""), strict=True):
            live.reconfigure(preset=name)
            dry = expected(live, part, RATE)
            stems = played(live, part, 512)
            whole.append(np.abs(stems - (by_hand(dry, RATE) if name else dry)).max())
    assert max(whole) <= EXACT


def test_effects_go_on_after_the_worker_was_killed(server):
    """Their state is what was lost; they are in step, and none of their frames is late."""
    song = noise(4 * RATE)
    with opened(server, "spectral", preset="live") as live:
        half = song.shape[1] // 2
        out = [live.process(block) for block in blocks(song[:, :half], 512)]
        kill_worker(server)
        out += [live.process(block) for block in blocks(song[:, half:], 512)]
        stems = np.concatenate([*out, live.drain()], axis=2)[..., live.latency :]
        wanted = by_hand(expected(live, song, RATE), RATE)
        assert live.late_frames == 0
        untouched = np.abs(stems[2] - wanted[2]).max()
        assert untouched <= EXACT
        before, after = slice(0, half - 2 * live.latency), slice(4 * RATE - RATE // 2, 4 * RATE)
        assert np.abs(stems[..., before] - wanted[..., before]).max() <= EXACT
        # A filter, a compressor and a limiter forget; a reverb nearly does within a second.
        assert np.abs(stems[:3, :, after] - wanted[:3, :, after]).max() <= EXACT
        assert np.abs(stems[3, :, after] - wanted[3, :, after]).max() <= 0.01


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("karaokee", "no preset is called.*did you mean karaoke"),
        ("../live", "no name of a preset"),
        ("/etc/passwd", "no name of a preset"),
        ("live.toml", "no name of a preset"),
    ],
)
def test_what_is_no_preset_is_refused_in_words(server, name, words):
    with pytest.raises(ServerError, match=words):
        opened(server, "spectral", preset=name)


def test_an_edited_preset_is_read_again(server):
    path = server.folder / "c" / "presets" / "edited.toml"
    head = 'description = "x"\nwhen = "y"\n[[stems.drums.chain]]\neffect = "Gain"\ngain_db = '
    found = []
    for decibels in (-6.0, -12.0):
        path.write_text(f"{head}{decibels}\n")
        with opened(server, "fake:segment=4096", preset="edited") as live:
            found.append(played(live, loud(20_000, 2)[0], 512)[0])
    ratio = np.abs(found[1]).max() / np.abs(found[0]).max()
    assert 20 * np.log10(ratio) == pytest.approx(-6, abs=0.01)


def test_a_network_that_plays_takes_a_preset_without_being_measured_again(server, tmp_path):
    save_network(hybrid_transformer(), tmp_path / "small.safetensors")
    with opened(server, str(tmp_path / "small.safetensors"), 3000, realtime=True) as live:
        live.process(noise(512))
        plain = live.plan
        live.reconfigure(preset="live")
        assert live.plan.effects > 0
        live.reconfigure(preset="karaoke")  # which has no effects at all
        assert live.gains == {"drums": 1.0, "bass": 1.0, "other": 1.0, "vocals": 0.0}
        assert live.plan == plain


def test_an_effect_that_fails_ends_its_session_and_no_other(server):
    folder = server.folder / "c" / "presets"
    soundfile.write(folder / "hall.wav", noise(4800).T, RATE)
    head = 'description = "x"\nwhen = "y"\n[[stems.drums.chain]]\neffect = "Convolution"\n'
    (folder / "hall.toml").write_text(f'{head}impulse_response_filename = "hall.wav"\n')
    song = noise(RATE)
    with (
        opened(server, "spectral") as other,
        opened(server, "spectral", preset="hall") as hall,
    ):
        played(hall, song[:, :9000], 512)
        other.process(song[:, :512])
        hall._driver._patience = Patience(1.9)  # each attempt renews it, and they are 2 s apart
        workers = server.workers()
        (folder / "hall.wav").unlink()
        with pytest.raises(ServerError, match=r"hall.wav does not exist"):
            played(hall, song[:, :9000], 512)
        rest = [other.process(block) for block in blocks(song[:, 512:], 512)]
        stems = np.concatenate([*rest, other.drain()], axis=2)
        assert other.late_frames == 0
        assert np.abs(stems).max() > 0.01
        assert server.workers() == workers
    (folder / "hall.toml").unlink()


def test_a_preset_that_was_edited_holds_after_a_lost_worker(server):
    """And not the one before under the new one's name: the session is opened again for it."""
    path = server.folder / "c" / "presets" / "mended.toml"
    path.write_text(TEXT)
    song = noise(3 * RATE)
    with opened(server, "spectral", preset="mended") as live:
        parts = [live.process(block) for block in blocks(song[:, :RATE], 512)]
        path.write_text(TEXT.replace("ratio = 3", "ratio = 9"))
        kill_worker(server)
        parts += [live.process(block) for block in blocks(song[:, RATE:], 512)]
        stems = np.concatenate([*parts, live.drain()], axis=2)[..., live.latency :]
        dry = expected(live, song, RATE)
        before, after = slice(0, RATE // 2), slice(5 * RATE // 2, 3 * RATE)
        for ratio, part in ((3, before), (9, after)):
            wanted = by_hand(dry, RATE, ratio=ratio)[1, :, part]
            assert np.abs(stems[1, :, part] - wanted).max() <= EXACT
        assert live.late_frames == 0
    path.unlink()
