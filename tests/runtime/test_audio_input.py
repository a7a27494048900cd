"""Songs of every kind are read whole, to the frame, or refused: made by soundfile and ffmpeg."""

import hashlib
import struct
import subprocess

import imageio_ffmpeg
import numpy as np
import pytest
import soundfile

from bridge.core.timeline import Span
from bridge.errors import InputError
from bridge.runtime.audio_input import open_source, read_blocks, verify

RATE = 44100
FRAMES = RATE * 8
TAGS = {"title": "Tide", "artist": "Ann", "album": "Sea", "date": "1999"}
TAGGED = [part for name, value in TAGS.items() for part in ("-metadata", f"{name}={value}")]


def ffmpeg(*arguments):
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-y", *arguments]
    return subprocess.run(command, check=True, capture_output=True)


@pytest.fixture(scope="module")
def song(tmp_path_factory):
    """Half of it is soft and simple, so that a variable bit rate varies a lot."""
    time = np.arange(FRAMES) / RATE
    tone = 0.1 * np.sin(2 * np.pi * 440 * time)
    noise = np.random.default_rng(0).uniform(-0.3, 0.3, (FRAMES, 2))
    audio = np.where((time < 4)[:, None], noise, tone[:, None])
    path = tmp_path_factory.mktemp("song") / "song.wav"
    soundfile.write(path, audio, RATE)
    return path


@pytest.fixture
def with_ffmpeg(tmp_path, monkeypatch):
    (tmp_path / "programs").mkdir()
    (tmp_path / "programs/ffmpeg").symlink_to(imageio_ffmpeg.get_ffmpeg_exe())
    monkeypatch.setenv("PATH", str(tmp_path / "programs"))


@pytest.fixture
def without_ffmpeg(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")


def read_all(path):
    """What a bounce reads of `path`, shape (n, C); `verify` has to agree with it."""
    work = path.parent / "work"
    work.mkdir(exist_ok=True)
    source = open_source(path, work)
    assert verify(source) == hashlib.sha256(path.read_bytes()).hexdigest()
    blocks = list(read_blocks(source, Span(0, source.frames)))
    return source, np.concatenate(blocks, axis=1).T


def reference(path):
    """What ffmpeg makes of `path`, shape (n, C)."""
    decoded = path.with_suffix(".reference.wav")
    ffmpeg("-i", str(path), "-map", "0:a:0", "-c:a", "pcm_f32le", str(decoded))
    return soundfile.read(decoded, dtype="float32", always_2d=True)[0]


def cut(path, share):
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


def picture(size):
    """An ID3v2.3 tag with a picture of `size` bytes that look like nothing, or like frames."""
    body = b"\0image/png\0\3\0" + (b"\xff\xfb\x90\x64" + np.random.default_rng(0).bytes(96)) * (
        size // 100
    )
    frame = b"APIC" + struct.pack(">I", len(body)) + b"\0\0" + body
    length = bytes(len(frame) >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\3\0\0" + length + frame


MP3 = {
    "vbr": ["-q:a", "4", "-write_xing", "0"],
    "cbr": ["-b:a", "128k", "-write_xing", "0"],
    "low": ["-b:a", "32k", "-ar", "22050", "-ac", "1", "-write_xing", "0"],
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", MP3)
@pytest.mark.parametrize("tagged", [0, 200_000])
@pytest.mark.usefixtures("without_ffmpeg")
def test_mp3_without_a_length_is_read_to_its_end(kind, tagged, song, tmp_path):
    path = tmp_path / "song.mp3"
    ffmpeg("-i", str(song), "-c:a", "libmp3lame", *MP3[kind], "-id3v2_version", "0", str(path))
    path.write_bytes((picture(tagged) if tagged else b"") + path.read_bytes())
    expected = reference(path)
    assert soundfile.info(path).frames != len(expected)  # the guess that must not be believed
    source, audio = read_all(path)
    assert (source.frames, source.channels) == expected.shape
    np.testing.assert_allclose(audio, expected, atol=1e-4)


@pytest.mark.parametrize("options", [["-q:a", "4"], ["-b:a", "128k"]])
@pytest.mark.usefixtures("without_ffmpeg")
def test_mp3_with_a_length_is_as_long_as_the_song(options, song, tmp_path):
    path = tmp_path / "song.mp3"
    ffmpeg("-i", str(song), "-c:a", "libmp3lame", *options, *TAGGED, str(path))
    source, audio = read_all(path)
    assert source.frames == FRAMES
    assert source.tags == TAGS
    np.testing.assert_allclose(audio, reference(path), atol=1e-4)
    for share in (0.3, 0.95):
        with pytest.raises(InputError, match="cut off or damaged; copy it again"):
            open_source(cut(path, share), tmp_path)


@pytest.mark.usefixtures("without_ffmpeg")
def test_stray_bytes_in_an_mp3_are_nobodys_concern(song, tmp_path, capfd):
    path = tmp_path / "song.mp3"
    ffmpeg("-i", str(song), "-c:a", "libmp3lame", "-b:a", "128k", str(path))
    data = path.read_bytes()
    middle = data.index(b"\xff\xfb", len(data) // 2)
    path.write_bytes(data[:middle] + bytes(64) + data[middle:])
    soundfile.read(path)
    assert "Skipped 64 bytes" in capfd.readouterr().err  # what libmpg123 says about it
    source, _ = read_all(path)
    assert source.frames == FRAMES
    assert capfd.readouterr().err == ""


@pytest.mark.usefixtures("without_ffmpeg")
def test_a_part_of_an_mp3_is_that_part_of_the_whole(song, tmp_path):
    path = tmp_path / "song.mp3"
    ffmpeg("-i", str(song), "-c:a", "libmp3lame", "-q:a", "4", str(path))
    source, audio = read_all(path)
    for start, length in ((1, 999), (100_000, 70_000), (300_000, 52_800)):
        part = np.concatenate(list(read_blocks(source, Span(start, length))), axis=1).T
        np.testing.assert_array_equal(part, audio[start : start + length])


@pytest.mark.usefixtures("with_ffmpeg")
def test_layer_2_and_mp3_inside_wav(song, tmp_path):
    for name, codec in (("song.mp2", "mp2"), ("song.wav", "libmp3lame")):
        path = tmp_path / name
        ffmpeg("-i", str(song), "-c:a", codec, "-b:a", "128k", str(path))
        source, audio = read_all(path)
        expected = reference(path)
        assert source.frames == len(expected)
        np.testing.assert_allclose(audio, expected, atol=1e-4)


@pytest.mark.parametrize("codec", ["libvorbis", "libopus"])
@pytest.mark.parametrize("share", [1, 0.97, 0.5, 0.001])
def test_ogg_ends_with_its_last_page(codec, share, song, tmp_path):
    path = tmp_path / "song.ogg"
    ffmpeg("-i", str(song), "-c:a", codec, str(path))
    if share == 1:
        assert len(read_all(path)[1]) == soundfile.info(path).frames > FRAMES - RATE
        path.write_bytes(path.read_bytes() + b"TAG" + bytes(125))  # ID3v1, as some programs add
        open_source(path, tmp_path)
        return
    cut(path, share)
    with pytest.raises(InputError, match="is cut off or damaged"):
        open_source(path, tmp_path)


def test_ogg_that_was_cut_between_two_pages(song, tmp_path):
    path = tmp_path / "song.ogg"
    ffmpeg("-i", str(song), "-c:a", "libvorbis", str(path))
    data = path.read_bytes()
    path.write_bytes(data[: data.rindex(b"OggS")])
    assert soundfile.info(path).frames > 0  # libsndfile believes it
    with pytest.raises(InputError, match="before the last page"):
        open_source(path, tmp_path)


@pytest.mark.parametrize("codec", ["libvorbis", "libopus"])
def test_chained_ogg_is_read_through(codec, song, tmp_path):
    parts, path = [], tmp_path / "song.ogg"
    for start in (0, 3, 5):
        part = tmp_path / f"{start}.ogg"
        ffmpeg("-ss", str(start), "-t", "2", "-i", str(song), "-c:a", codec, str(part))
        parts.append(part)
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    expected = np.concatenate([soundfile.read(part, dtype="float32")[0] for part in parts])
    _, audio = read_all(path)
    np.testing.assert_array_equal(audio, expected)
    with pytest.raises(InputError, match="cut off"):
        open_source(cut(path, 0.9), tmp_path)
    ffmpeg("-i", str(song), "-ar", "22050", "-ac", "1", "-c:a", "libvorbis", str(parts[2]))
    path.write_bytes(parts[0].read_bytes() + parts[2].read_bytes())
    with pytest.raises(InputError, match="changes its rate or channels"):
        open_source(path, tmp_path)


CODECS = {
    "aac.m4a": "aac",
    "alac.m4a": "alac",
    "fast.mp4": "aac -movflags faststart",
    "opus.webm": "libopus",
    "vorbis.webm": "libvorbis",
    "flac.mka": "flac",
    "song.wma": "wmav2",
    "song.wv": "wavpack",
    "song.aac": "aac",
    "flac.oga": "flac",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CODECS)
@pytest.mark.usefixtures("with_ffmpeg")
def test_what_ffmpeg_reads_is_whole_or_refused(name, song, tmp_path):
    path = tmp_path / name
    ffmpeg("-i", str(song), *TAGGED, "-c:a", *CODECS[name].split(), str(path))
    source, audio = read_all(path)
    np.testing.assert_array_equal(audio, reference(path))
    if not name.endswith(("aac", "oga")):  # raw AAC has no tags; those of Ogg are not the file's
        assert source.tags == TAGS
    with pytest.raises(InputError, match=name):
        open_source(cut(path, 0.6), tmp_path)


@pytest.mark.usefixtures("with_ffmpeg")
def test_a_broken_cover_or_a_long_comment_is_no_damage(song, tmp_path):
    path = tmp_path / "song.m4a"
    ffmpeg("-f", "lavfi", "-i", "testsrc=s=64x64:d=0.04", str(tmp_path / "cover.jpg"))
    cover = ["-i", str(tmp_path / "cover.jpg"), "-map", "0", "-map", "1", "-c:v", "copy"]
    cover += ["-disposition:v", "attached_pic"]
    comment = ["-metadata", f"comment={'c' * 100_000}"]
    ffmpeg("-i", str(song), *cover, *comment, "-c:a", "alac", str(path))
    data, picture_bytes = path.read_bytes(), (tmp_path / "cover.jpg").read_bytes()
    place = data.index(picture_bytes) + 300
    path.write_bytes(data[:place] + bytes(400) + data[place + 400 :])
    assert read_all(path)[0].frames == FRAMES


@pytest.mark.usefixtures("with_ffmpeg")
def test_playlists_do_not_lead_to_other_files(song, tmp_path):
    ffmpeg("-i", str(song), "-c:a", "aac", str(tmp_path / "other.m4a"))
    ffmpeg("-i", str(song), "-c:a", "aac", str(tmp_path / "other.ts"))
    concat = "ffconcat version 1.0\nfile other.m4a\n"
    hls = "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:8.0,\nother.ts\n#EXT-X-ENDLIST\n"
    for name, text in (("a.m4a", concat), ("a.ffconcat", concat), ("a.m3u8", hls), ("b.m4a", hls)):
        (tmp_path / name).write_text(text)
        with pytest.raises(InputError, match=name):
            open_source(tmp_path / name, tmp_path)
    with pytest.raises(InputError, match="is a playlist"):
        open_source(tmp_path / "a.m4a", tmp_path)
