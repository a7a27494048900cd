"""The vectors that other languages read: made by this code, and right by looking at every run."""

import json
from math import gcd

import pytest

from tests.core.latency_vectors import FILE, HOST_RATES, text

CASES = json.loads(FILE.read_text(encoding="utf-8"))["cases"]


def test_the_file_is_what_the_code_makes():
    assert FILE.read_text(encoding="utf-8") == text(), "python -m tests.core.latency_vectors"


def test_vectors_are_whole_numbers_and_cover_what_hosts_do():
    assert len(CASES) >= 200
    assert {type(value) for case in CASES for value in case.values()} == {int}
    for block in (1, 64, 512, 8192):
        assert {case["host_rate"] for case in CASES if case["block"] == block} >= set(HOST_RATES)
    assert any(case["host_rate"] == case["model_rate"] for case in CASES)
    assert any(case["hop"] % 2 for case in CASES)
    assert max(case["hop"] * case["host_rate"] for case in CASES) > 2**32


@pytest.mark.parametrize("half", [0, 1])
def test_every_run_of_a_period_is_on_time_and_one_is_just_so(half):
    for case in CASES[half::2]:
        host, model, hop = case["host_rate"], case["model_rate"], case["hop"]
        ratio = model // gcd(host, model)
        waited = case["outgoing_half"] + -(-case["effects"] * model // host)
        first = waited // hop + 1
        slack = [slack_of(case, run) for run in range(first, first + ratio // gcd(hop, ratio))]
        assert min(slack) == 0, case


def slack_of(case, run):
    """Whole frames between a run's stems being there and their being asked for, at worst."""
    host, model = case["host_rate"], case["model_rate"]
    last_read = (run + 1) * case["hop"] + case["lookahead"] - 1
    last_in = last_read * host // model + case["incoming_half"]
    final = run * case["hop"] - case["outgoing_half"]  # model frames, less the filter's reach
    first_out = -(-final * host // model) - case["effects"]
    names = ("compute_us", "transport_us", "margin_us", "polling_us")
    there = (last_in + case["block"]) * 1_000_000 + sum(case[name] for name in names) * host
    asked = first_out + 1 + case["latency"] - case["guard"] - case["burst"]
    return asked - -(-there // 1_000_000)
