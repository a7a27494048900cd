"""The native side as a user builds it, and its own tests."""

import re

import pytest

from tests.shim.building import BUILD, make

pytestmark = [pytest.mark.slow, pytest.mark.alone]

PARTS = {"core", "protocol", "link", "plugin"}
COUNTS = re.compile(r"test cases: +(\d+) \| +(\d+) passed \| +(\d+) failed \| +(\d+) skipped")


def assert_all_ran(printed):
    """Every part's program ran, and every case in it, and none was left out."""
    assert set(re.findall(r"Test +#\d+: (\w+) \.+ +Passed", printed)) == PARTS, printed
    assert f"100% tests passed, 0 tests failed out of {len(PARTS)}" in printed
    log = (BUILD / "Testing" / "Temporary" / "LastTest.log").read_text(encoding="utf-8")
    counts = [tuple(map(int, found)) for found in COUNTS.findall(log)]
    assert len(counts) == len(PARTS), log
    for cases, passed, failed, skipped in counts:
        assert cases == passed > 0, log
        assert (failed, skipped) == (0, 0), log


def test_it_builds_without_a_warning_and_its_tests_pass(built):
    assert_all_ran(built)
    assert not re.search(r"\bwarning\b", built), built


@pytest.mark.usefixtures("built")
def test_nothing_is_built_again_when_nothing_changed():
    assert "ninja: no work to do." in make("shim-build")
