"""What tests of daw_scripts/ share with those of the hosts: an Ardour, its sessions, a sidecar."""

from __future__ import annotations

# ruff: noqa: F401 - pytest finds fixtures by their names here
from tests.hosts.ardour.conftest import ardour, cleared, journal, running, sessions, sidecar
from tests.hosts.conftest import folder, places
