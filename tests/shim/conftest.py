"""The native side, built once for the tests here that need it."""

import pytest

from tests.shim.building import make


@pytest.fixture(scope="session")
def built():
    """What building it printed."""
    return make("shim")
