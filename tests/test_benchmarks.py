"""Programs of benchmarks/ that need what is seldom at hand run here with a small network."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[1]


def gpu(*options):
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.gpu", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.alone
def test_the_benchmark_of_gpus_runs_from_end_to_end(tmp_path):
    file = tmp_path / "some" / "gpu.md"
    ended = gpu("--device", "cpu", "--small", "--write", str(file))
    assert ended.returncode == 0, ended.stderr
    text = file.read_text()
    assert text == ended.stdout
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| ")]
    assert [row[0].strip("| ") for row in rows if len(row) == 2] == [
        "against demucs in float32",
        "demucs as it comes",
        "exact",
        "fast (tf32)",
        "bfloat16",
    ]
    exact = next(row[1] for row in rows if row[0] == "| exact")
    assert float(exact.split()[0]) >= 100
    assert "| exact, 2 at once |" in text
    assert "| fast (tf32), 8 windows |" in text
    # A stall while the run was measured, of 0.3 s in all, leaves room for one session only.
    two = ("| 2, fast, blocks of 512, 2 s |", "| 2, fast | does not fit |")
    assert any(row in text for row in two)
    assert "| 1, exact, blocks of 128, 2 s |" in text


@pytest.mark.skipif(torch.cuda.is_available(), reason="a CUDA device is here")
def test_without_a_device_it_says_so_in_a_line():
    ended = gpu()
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr == (
        "no CUDA device is here; `--device cpu --small` tries the program without one\n"
    )
