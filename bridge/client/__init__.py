"""The Python client: a live stream of stems from the sidecar."""

from bridge.client.stream import StemStream

__all__ = ["StemStream"]
