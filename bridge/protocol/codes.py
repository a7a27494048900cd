"""Why something was refused: the codes of ERROR. A code that is not known means INTERNAL."""

from __future__ import annotations

from enum import StrEnum


class Code(StrEnum):
    """The codes of ERROR, version 1; docs/PROTOCOL.md says what a client does about each."""

    MALFORMED = "malformed"
    VERSION = "version"
    TYPE = "type"
    ORDER = "order"
    SESSION = "session"
    CREDIT = "credit"
    FORMAT = "format"
    MODEL = "model"
    NETWORK = "network"
    LATENCY = "latency"
    PLAN = "plan"
    LOAD = "load"
    FULL = "full"
    WORKER = "worker"
    FORBIDDEN = "forbidden"
    SILENT = "silent"
    STOPPING = "stopping"
    INTERNAL = "internal"
