"""What a bounce writes: stems that line up with the input to the sample and sum to it."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.audio import real_song
from tests.cli.helpers import (
    FAKE,
    GAINS,
    STEMS,
    Samples,
    decibels,
    good,
    manifest,
    music,
    read,
    song,
    write,
)

# Another rate than the song's own, so that it is resampled there and back.
RESAMPLED = ("-m", "fake:rate=44100,segment=30000")


def stems_of(folder: Path, names: tuple[str, ...] = STEMS, ext: str = "wav") -> dict[str, Samples]:
    assert {path.name for path in folder.iterdir()} == {"manifest.json"} | {
        f"{name}.{ext}" for name in names
    }
    return {name: read(folder / f"{name}.{ext}") for name in names}


def null(stems: dict[str, Samples], mix: Samples) -> float:
    """Peak of the sum of the stems minus the mix, dBFS."""
    return decibels(float(np.abs(sum(stems.values()) - mix).max()))


@pytest.mark.slow
@pytest.mark.parametrize("model", [FAKE, RESAMPLED])
@pytest.mark.parametrize(
    ("frames", "channels", "rate", "subtype"),
    [
        (1, 2, 44100, "PCM_16"),
        (1, 1, 96000, "PCM_24"),
        (1, 2, 192000, "FLOAT"),
        (20_001, 2, 8000, "PCM_16"),
        (70_001, 2, 192000, "PCM_24"),
        (30_001, 2, 48000, "PCM_U8"),
        (30_001, 1, 22050, "DOUBLE"),
        (30_001, 1, 44100, "PCM_32"),
    ],
)
def test_every_kind_of_file(
    model: tuple[str, ...], frames: int, channels: int, rate: int, subtype: str, tmp_path: Path
):
    write(tmp_path / "song.wav", music(frames, channels), rate, subtype)
    good("song.wav", *model, "--bits", "32f", "-o", "out", cwd=tmp_path)
    mix = read(tmp_path / "song.wav")
    stems = stems_of(tmp_path / "out/song")
    assert {stem.shape for stem in stems.values()} == {mix.shape}
    assert {soundfile.info(p).samplerate for p in tmp_path.glob("out/song/*.wav")} == {rate}
    assert null(stems, mix) <= -120
    if model == FAKE:
        for name, gain in GAINS.items():
            assert np.array_equal(stems[name], mix.astype(np.float32) * gain)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    ["two words.wav", "Größe 歌 🎵.wav", 'it\'s "50%" {stem} [b].wav', "caf\udce9.wav", "a..wav"],
)
def test_every_kind_of_name(name: str, tmp_path: Path):
    mix = read(song(tmp_path))
    (tmp_path / "song.wav").rename(tmp_path / name)
    ended = good(name, *FAKE, "-o", "Ausgabe für 歌", "--json", cwd=tmp_path)
    (folder,) = (tmp_path / "Ausgabe für 歌").iterdir()
    assert null(stems_of(folder), mix) <= -120
    assert manifest(folder)["input"] == name
    assert ended.events[-1]["input"] == name
    assert Path(tmp_path, ended.events[-1]["files"]["vocals"]) == folder / "vocals.wav"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "floor"),
    [
        ("wav --bits 16", -np.inf),
        ("wav", -np.inf),
        ("wav --bits 32f", -120),
        ("flac --bits 16", -np.inf),
        ("flac", -np.inf),
        ("aiff --bits 16", -np.inf),
        ("aiff --bits 24", -np.inf),
        ("aiff --bits 32f", -120),
    ],
)
def test_lossless_formats_null(options: str, floor: float, tmp_path: Path):
    song(tmp_path)
    good("song.wav", *FAKE, "-o", "out", "--format", *options.split(), cwd=tmp_path)
    stems = stems_of(tmp_path / "out/song", ext=options.split(maxsplit=1)[0])
    mix = read(tmp_path / "song.wav")
    assert null(stems, mix) <= floor
    for name, gain in GAINS.items():
        assert decibels(float(np.abs(stems[name] - mix * gain).max())) <= -86


@pytest.mark.slow
@pytest.mark.parametrize("audio_format", ["mp3", "ogg"])
@pytest.mark.parametrize("frames", [1, 1000, 50_000])
def test_lossy_formats_keep_length_and_place(audio_format: str, frames: int, tmp_path: Path):
    noise = music(frames)
    # Coders keep low notes best: a smooth signal shows where it lies after coding.
    smooth = np.apply_along_axis(np.convolve, 0, noise, np.hanning(41) / 10, mode="same")[:frames]
    write(tmp_path / "song.wav", smooth)
    good("song.wav", *FAKE, "-o", "out", "--format", audio_format, cwd=tmp_path)
    stems = stems_of(tmp_path / "out/song", ext=audio_format)
    assert {stem.shape for stem in stems.values()} == {(frames, 2)}
    if frames == 50_000:
        for name in GAINS:
            spectra = [np.fft.rfft(x[:, 0], 2 * frames) for x in (stems[name], smooth)]
            match = np.fft.irfft(spectra[0] * np.conj(spectra[1]))
            assert int(np.argmax(match)) == 0


@pytest.mark.slow
@pytest.mark.parametrize("model", [RESAMPLED, ("-m", "spectral")])
def test_real_song(model: tuple[str, ...], tmp_path: Path):
    path = real_song()
    good(path, *model, "-o", tmp_path / "out", "--bits", "32f", cwd=tmp_path)
    mix = soundfile.read(path, dtype="float32", always_2d=True)[0].astype(np.float64)
    stems = stems_of(tmp_path / "out" / path.stem)
    assert null(stems, mix) <= -120
    assert len(stems["drums"]) == 882_000 or path.name != "real-music-20s.mp3"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "gains"),
    [
        ("--residual off", {**GAINS, "other": 0.0625}),
        ("--residual file", {**GAINS, "other": 0.0625, "residual": 0.0625}),
        ("--stems vocals,drums", {"vocals": 0.125, "drums": 0.5}),
        ("--stems other", {"other": 0.0625}),
        ("--stems vocals --residual file", {"vocals": 0.125, "residual": 0.875}),
        ("--two-stems vocals", {"vocals": 0.125, "no_vocals": 0.875}),
        ("--two-stems vocals --residual off", {"vocals": 0.125, "no_vocals": 0.8125}),
        ("--two-stems other", {"other": 0.0625, "no_other": 0.9375}),
    ],
)
def test_choice_of_stems(options: str, gains: dict[str, float], tmp_path: Path):
    song(tmp_path)
    good("song.wav", *FAKE, "-o", "out", *options.split(), "--bits", "32f", cwd=tmp_path)
    stems = stems_of(tmp_path / "out/song", tuple(gains))
    mix = read(tmp_path / "song.wav")
    for name, gain in gains.items():
        assert decibels(float(np.abs(stems[name] - gain * mix).max())) <= -140
    means_to_null = "off" not in options and "--stems" not in options.split()
    found = manifest(tmp_path / "out/song")["null_peak"]
    assert (found is not None and found <= 1e-6) if means_to_null else True


@pytest.mark.slow
@pytest.mark.parametrize("model", [FAKE, RESAMPLED, ("-m", "fake:delay=500,segment=7000")])
@pytest.mark.parametrize("stop", ["0:00.75", "99"])
def test_part_of_a_song(model: tuple[str, ...], stop: str, tmp_path: Path):
    whole = song(tmp_path, "whole.wav")
    part = read(whole)[11025 : round(min(float(stop.rpartition(":")[2]), 1) * 44100)]
    write(tmp_path / "part.wav", part)
    good("whole.wav", *model, "-o", "out", "--start", "0.25", "--end", stop, cwd=tmp_path)
    good("part.wav", *model, "-o", "out", cwd=tmp_path)
    for name in STEMS:
        files = [(tmp_path / "out" / s / f"{name}.wav").read_bytes() for s in ("whole", "part")]
        assert files[0] == files[1]
    assert manifest(tmp_path / "out/whole")["identity"]["input"]["span"][0] == 11025


@pytest.mark.slow
@pytest.mark.parametrize("bits", ["16", "24", "32f"])
@pytest.mark.parametrize("clip", ["none", "rescale", "clamp"])
def test_input_over_full_scale(clip: str, bits: str, tmp_path: Path):
    mix = music(44100, level=0.9)
    mix[20_000:20_010] = 2.5  # drums, half of it, pass full scale
    write(tmp_path / "song.wav", mix, subtype="FLOAT")
    mix = read(tmp_path / "song.wav")
    ended = good("song.wav", *FAKE, "-o", "out", "--clip", clip, "--bits", bits, cwd=tmp_path)
    stems = stems_of(tmp_path / "out/song")
    found = manifest(tmp_path / "out/song")
    drums = found["stems"][0]
    highest = float(np.abs(stems["drums"]).max())
    lines = ended.told
    assert len(lines) == 1
    assert "warning" in lines[0]
    if clip == "rescale":
        assert "turned down by 1.9" in lines[0]
        assert found["gain"] == pytest.approx(0.8, rel=2e-3)
        assert highest < 1
        assert null(stems, mix * found["gain"]) <= (-80 if bits == "16" else -120)
        return
    assert (found["gain"], drums["peak"], drums["samples_over_full_scale"]) == (1.0, 1.25, 20)
    assert "drums" in lines[0]
    assert "1.94 dB over full scale" in lines[0]
    assert "20 samples" in lines[0]
    kept = clip == "none" and bits == "32f"
    assert highest == 1.25 if kept else highest == pytest.approx(1, abs=1e-4)
    assert ("--clip rescale" in lines[0]) == (clip == "none" and bits != "32f")
    assert ("clamped" in lines[0]) == (clip == "clamp")


@pytest.mark.slow
def test_tags_and_place_in_time(tmp_path: Path):
    path = song(tmp_path)
    body = bytearray(602)
    struct.pack_into("<Q", body, 338, 3600 * 44100)
    data = path.read_bytes() + b"bext" + struct.pack("<I", 602) + body
    path.write_bytes(data[:4] + struct.pack("<I", len(data) - 8) + data[8:])
    with soundfile.SoundFile(tmp_path / "tagged.flac", "w", 44100, 2) as file:
        file.title, file.artist, file.date = "Größe", "Jemand", "2026"
        file.write(music(5000))
    for options in ((), ("--start", "0.5", "--overwrite")):
        good("song.wav", *FAKE, "-o", "out", *options, cwd=tmp_path)
        for stem in (tmp_path / "out/song").glob("*.wav"):
            stored = stem.read_bytes()
            assert struct.unpack("<I", stored[4:8])[0] + 8 == len(stored)
            at = stored.index(b"bext") + 8
            reference = struct.unpack("<Q", stored[at + 338 : at + 346])[0]
            assert reference == 3600 * 44100 + (22050 if options else 0)
    for audio_format in ("flac", "mp3", "ogg", "wav"):
        good("tagged.flac", *FAKE, "-o", audio_format, "--format", audio_format, cwd=tmp_path)
        with soundfile.SoundFile(tmp_path / audio_format / f"tagged/bass.{audio_format}") as file:
            assert (file.title, file.artist, file.date) == ("Größe", "Jemand", "2026")


def test_sixteen_bits_are_dithered(tmp_path: Path):
    # A sine of a quarter of a step: rounding alone leaves silence, truncation an offset.
    time = np.arange(200_000)
    sine = 0.5 / 2**15 * np.sin(2 * np.pi * 441 / 44100 * time)
    silence = np.zeros(100_000)
    mix = np.concatenate([silence, sine, silence])[:, None].repeat(2, axis=1)
    write(tmp_path / "song.wav", mix, subtype="DOUBLE")
    good("song.wav", *FAKE, "-o", "out", "--bits", "16", "--residual", "off", cwd=tmp_path)
    written = read(tmp_path / "out/song/drums.wav")
    assert not written[:100_000].any()
    assert not written[300_000:].any()
    steps = written[100_000:300_000, 0] * 2**15
    wanted = 0.5 * mix[100_000:300_000, 0] * 2**15
    error = steps - wanted
    # TPDF: the error has the variance of rounding plus two uniform steps, whatever the signal.
    assert error.mean() == pytest.approx(0, abs=0.01)
    assert error.var() == pytest.approx(3 / 12, rel=0.03)
    assert np.dot(error, wanted) / np.dot(wanted, wanted) == pytest.approx(0, abs=0.03)
    high = np.abs(wanted) > 0.2
    assert error[high].var() == pytest.approx(error[~high].var(), rel=0.05)
    assert np.corrcoef(steps, written[100_000:300_000, 1])[0, 1] < 0.2
