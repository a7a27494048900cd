"""A sidecar for the tests here; the log of every one that a failed test used is shown."""

from pathlib import Path

import pytest

from tests.server.sidecar import Sidecar

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def sidecar(tmp_path_factory):
    """One for all tests that leave it as they found it."""
    with Sidecar(tmp_path_factory.mktemp("s"), "--calibrate", "1") as running:
        yield running


@pytest.fixture
def own_sidecar(tmp_path_factory):
    """One for a test that harms it, or looks at its memory."""
    with Sidecar(tmp_path_factory.mktemp("s"), "--calibrate", "0.5") as running:
        yield running


def pytest_collection_modifyitems(items):
    """Every test here starts processes, and together they take minutes."""
    for item in items:
        if item.path.parent == HERE:
            item.add_marker(pytest.mark.slow)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    report = yield
    if report.failed:
        for value in getattr(item, "funcargs", {}).values():
            if isinstance(value, Sidecar):
                report.sections.append(("log of the sidecar", value.log))
    return report
