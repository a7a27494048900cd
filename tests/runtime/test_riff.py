"""RIFF chunks of files that libsndfile wrote, and of damaged ones."""

import struct
import subprocess
from contextlib import suppress

import imageio_ffmpeg
import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import InputError
from bridge.runtime.riff import append_time_reference, check_size, read_time_reference

# Frames are odd in number, so that 8 and 24 bits in mono give odd sizes of the data.
KINDS = [
    (kind, subtype, channels)
    for kind in ("WAV", "RF64", "W64", "AIFF")
    for subtype in ("PCM_16", "PCM_24", "FLOAT", "PCM_S8" if kind == "AIFF" else "PCM_U8")
    for channels in (1, 2)
]
WAVS = [kind for kind in KINDS if kind[0] in ("WAV", "RF64")]
NOON = 12 * 3600 * 192_000  # more than 32 bits hold


def write(path, kind, subtype="PCM_24", channels=1, frames=1001):
    audio = np.random.default_rng(0).uniform(-0.5, 0.5, (frames, channels))
    soundfile.write(path, audio, 44100, subtype, format=kind)
    return path


def with_front_bext(path, frames, note=b""):
    """A WAV file as recorders write them: the time reference before the audio."""
    body = bytearray(602) + note
    struct.pack_into("<II", body, 256 + 32 + 32 + 10 + 8, frames & 0xFFFFFFFF, frames >> 32)
    chunk = b"bext" + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)
    whole = write(path, "WAV").read_bytes()
    whole = whole[:12] + chunk + whole[12:]
    path.write_bytes(whole[:4] + struct.pack("<I", len(whole) - 8) + whole[8:])
    return path


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_whole_file_passes(tmp_path, kind):
    check_size(write(tmp_path / "a", *kind))


# Kinds that need the order of their bytes told: RIFX is WAV in big-endian order.
ORDERED = [("WAV", "BIG"), ("AU", "BIG"), ("AU", "LITTLE"), ("AIFF", "LITTLE")]


@pytest.mark.parametrize(("kind", "order"), ORDERED)
@pytest.mark.parametrize("left", [0.1, 0.5, 0.99])
def test_either_order_of_bytes(tmp_path, kind, order, left):
    audio = np.random.default_rng(0).uniform(-0.5, 0.5, (1001, 2))
    path = tmp_path / "a"
    soundfile.write(path, audio, 44100, "PCM_16", order, kind)
    check_size(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * left)])
    with pytest.raises(InputError, match=r"a is cut off: .*; copy it again"):
        check_size(path)


def test_an_au_file_from_a_pipe_passes(tmp_path):
    path = write(tmp_path / "a", "AU")
    data = path.read_bytes()
    path.write_bytes(data[:8] + b"\xff\xff\xff\xff" + data[12:])
    check_size(path)
    assert soundfile.info(path).frames == 1001


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
def test_a_wav_whose_size_is_not_filled_in_is_as_long_as_its_audio(tmp_path, size):
    path = write(tmp_path / "a", "WAV")
    data = path.read_bytes()
    path.write_bytes(data[:4] + struct.pack("<I", size) + data[8:])
    check_size(path)
    assert soundfile.info(path).frames == 1001
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match="cut off"):
        check_size(path)


@pytest.mark.parametrize("left", [0.1, 0.5, 0.99])
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_file_that_was_cut_off_is_refused(tmp_path, kind, left):
    path = write(tmp_path / "a", *kind)
    whole = path.read_bytes()
    path.write_bytes(whole[: max(120, int(len(whole) * left))])
    with pytest.raises(InputError, match=r"a is cut off: .*; copy it again"):
        check_size(path)


def test_a_missing_pad_byte_is_no_cut(tmp_path):
    path = write(tmp_path / "a", "WAV", "PCM_U8")
    whole = path.read_bytes()
    assert whole[-1:] == b"\0"
    path.write_bytes(whole[:-1])
    check_size(path)
    path.write_bytes(whole[:-2])
    with pytest.raises(InputError, match="cut off"):
        check_size(path)


@pytest.mark.parametrize("unknown", [0xFFFFFFFF, 0x7FFFF000])
def test_a_file_from_a_pipe_passes_for_its_length_was_never_known(tmp_path, unknown):
    path = write(tmp_path / "a", "WAV")
    data = bytearray(path.read_bytes())
    place = data.index(b"data") + 4
    struct.pack_into("<I", data, place, unknown)
    struct.pack_into("<I", data, 4, min(0xFFFFFFFF, unknown + 36))
    path.write_bytes(data)
    check_size(path)
    assert soundfile.info(path).frames == 1001


@pytest.mark.parametrize("rf64", ["never", "auto", "always"])
def test_a_file_that_ffmpeg_wrote_to_a_pipe_passes(tmp_path, rf64):
    source, path = write(tmp_path / "a.wav", "WAV", "PCM_16"), tmp_path / "b.wav"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(source)]
    command += ["-rf64", rf64, "-f", "wav", "-"]
    path.write_bytes(subprocess.run(command, check=True, capture_output=True).stdout)
    check_size(path)


@pytest.mark.parametrize("frames", [0, 1, 44100, NOON])
@pytest.mark.parametrize("kind", WAVS, ids=str)
def test_a_time_reference_is_read_back_and_the_audio_stays(tmp_path, kind, frames):
    path = write(tmp_path / "a.wav", *kind)
    before = soundfile.read(path)[0]
    assert read_time_reference(path) is None
    append_time_reference(path, frames)
    assert read_time_reference(path) == frames
    check_size(path)
    after, rate = soundfile.read(path)
    assert rate == 44100
    np.testing.assert_array_equal(after, before)


@pytest.mark.parametrize("kind", ["WAV", "RF64"])
def test_the_size_in_the_header_is_that_of_the_file(tmp_path, kind):
    path = write(tmp_path / "a.wav", kind, "PCM_U8")
    append_time_reference(path, 5)
    data = path.read_bytes()
    size = struct.unpack("<I", data[4:8]) if kind == "WAV" else struct.unpack("<Q", data[20:28])
    assert size[0] + 8 == len(data)
    assert data[-610:-602] == b"bext" + struct.pack("<I", 602)


def test_a_missing_pad_byte_is_put_in_before_the_time_reference(tmp_path):
    path = write(tmp_path / "a.wav", "WAV", "PCM_U8")
    before = soundfile.read(path)[0]
    path.write_bytes(path.read_bytes()[:-1])
    append_time_reference(path, NOON)
    assert read_time_reference(path) == NOON
    np.testing.assert_array_equal(soundfile.read(path)[0], before)


@pytest.mark.parametrize("kind", ["WAV", "RF64"])
def test_ffmpeg_finds_the_time_reference(tmp_path, kind):
    path = write(tmp_path / "a.wav", kind, "PCM_U8")
    append_time_reference(path, NOON)
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-i", str(path), "-f", "null", "-"]
    words = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    found = {line.split()[-1] for line in words.splitlines() if "time_reference" in line}
    assert found == {str(NOON)}


@pytest.mark.parametrize("note", [b"", b"A=PCM", b"A=PCM\r\n"])
def test_a_time_reference_before_the_audio_is_read(tmp_path, note):
    path = with_front_bext(tmp_path / "a.wav", NOON, note)
    assert soundfile.info(path).frames == 1001
    assert read_time_reference(path) == NOON
    check_size(path)


def test_files_of_other_kinds_have_no_time_reference(tmp_path):
    for kind in ("AIFF", "W64", "FLAC", "CAF"):
        assert read_time_reference(write(tmp_path / kind, kind)) is None


@given(st.binary(max_size=80), st.sampled_from([b"", b"RIFF", b"RF64", b"FORM", b"riff"]))
def test_damaged_files_never_raise_anything_but_input_errors(tmp_path_factory, rest, magic):
    path = tmp_path_factory.getbasetemp() / "damaged"
    path.write_bytes(magic + rest)
    assert read_time_reference(path) is None
    with suppress(InputError):
        check_size(path)


@given(st.integers(28, 3500), st.sampled_from(["WAV", "RF64"]))
def test_a_cut_inside_any_chunk_is_refused_and_never_a_crash(tmp_path_factory, kept, kind):
    path = write(tmp_path_factory.getbasetemp() / "cut", kind)
    append_time_reference(path, NOON)
    path.write_bytes(path.read_bytes()[:kept])
    assert read_time_reference(path) in (None, 0, NOON)
    with pytest.raises(InputError, match="cut off"):
        check_size(path)
