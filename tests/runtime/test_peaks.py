"""Every clipped sample, and every null that it costs, is said."""

from pathlib import Path

from bridge.runtime.audio_output import Encoding
from bridge.runtime.peaks import peak_warnings
from bridge.runtime.render import Rendering, Written

WAV, FLOAT, MP3 = Encoding("wav", "24"), Encoding("wav", "32f"), Encoding("mp3", None)


def rendering(peak=0.5, over=0, gain=1.0, null=0.0):
    return Rendering({"drums": Written(Path("x"), peak, over)}, gain, null)


def test_nothing_is_said_of_a_clean_song():
    assert peak_warnings(rendering(), WAV, "none") == []


def test_cut_off_samples_and_the_lost_null_are_said():
    first, second = peak_warnings(rendering(2.0, 7, null=1.0), WAV, "none")
    assert first.startswith("drums peaks 6.02 dB over full scale: wav cut off 7 samples")
    assert second.startswith("the null is lost: the stems miss the input by up to 0.0 dBFS")


def test_floats_keep_peaks_and_the_null():
    (only,) = peak_warnings(rendering(2.0, 7), FLOAT, "none")
    assert "32-bit floats keep them" in only


def test_a_clamp_that_the_rest_takes_up_loses_no_null():
    (only,) = peak_warnings(rendering(2.0, 7), WAV, "clamp")
    assert only.endswith("7 samples were clamped")


def test_a_gain_is_said_with_what_it_means():
    (only,) = peak_warnings(rendering(gain=0.5), WAV, "rescale")
    assert "turned down by 6.02 dB" in only
    assert "no longer null" in only


def test_files_that_are_no_parts_of_the_input_are_not_said_to_sum_to_it():
    (only,) = peak_warnings(rendering(gain=0.5, null=None), WAV, "rescale")
    assert only == "all files were turned down by 6.02 dB (--clip rescale)"


def test_lossy_formats_are_not_expected_to_null():
    assert peak_warnings(rendering(null=0.1), MP3, "none") == []
