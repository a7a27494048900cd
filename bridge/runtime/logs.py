"""Logs of the server and its workers: one event a line, `time level event key=value ...`."""

from __future__ import annotations

import json
import logging
import sys
import time
import traceback

_LOG = logging.getLogger("stembridge")


def start_logging(*, verbose: bool = False) -> None:
    """Write events to standard error, those of every block only when `verbose`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter())
    _LOG.handlers = [handler]
    _LOG.propagate = False
    _LOG.setLevel(logging.DEBUG if verbose else logging.INFO)


def log(event: str, *, level: int = logging.INFO, **fields: object) -> None:
    """Log `event`, a dotted name such as `worker.started`, with its fields in their order."""
    if _LOG.isEnabledFor(level):
        _LOG.log(level, "%s", " ".join([event, *(f"{k}={_value(v)}" for k, v in fields.items())]))


def place(error: BaseException) -> str:
    """Where an error was raised, as FILE:LINE FUNCTION."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename}:{frames[-1].lineno} {frames[-1].name}" if frames else ""


def _value(value: object) -> str:
    """As it is when it is one plain word, else quoted with JSON's escapes: always on one line."""
    text = str(value)
    plain = text.isprintable() and not set(text) & set(' ="') and text
    return text if plain else json.dumps(text)


class _Formatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        thousandths = int(record.msecs)
        return f"{moment}.{thousandths:03d}Z {record.levelname.lower()} {record.getMessage()}"
