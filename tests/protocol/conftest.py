"""Fixtures of the protocol's tests."""

import pytest

from tests.protocol.link import Link


@pytest.fixture
def link():
    return Link()
