"""Asking a server how it fares, and ending it."""

from __future__ import annotations

import time
from typing import Any, TypeVar

import zmq

from bridge.errors import RemoteProtocolError, ServerError
from bridge.protocol.codec import decode, encode
from bridge.protocol.messages import (
    CONTROL_TO_CLIENT,
    Bye,
    Error,
    Report,
    Shutdown,
    Status,
)
from bridge.protocol.record import Message
from bridge.runtime.connection import Connection, read_connection
from bridge.runtime.transport import connect_client

M = TypeVar("M", bound=Message)

_ANSWER_SECONDS = 3.0
_END_SECONDS = 10.0


def ask_status(connection: Connection) -> dict[str, Any]:
    """The figures of a server, see `report`. Raises ServerError when it does not answer."""
    answer = _ask(connection, Status(), Report)
    return answer.report


def stop_server() -> int:
    """End the server on this machine; returns its process id once it is gone.

    Raises ServerError when none is running or it does not end.
    """
    connection = read_connection()
    _ask(connection, Shutdown(), Bye)
    deadline = time.monotonic() + _END_SECONDS
    while time.monotonic() < deadline:
        try:
            if read_connection().pid != connection.pid:
                return connection.pid
        except ServerError:
            return connection.pid
        time.sleep(0.02)
    raise ServerError(f"the sidecar (process {connection.pid}) does not end; see its log")


def _ask(connection: Connection, question: Message, kind: type[M]) -> M:
    with zmq.Context() as context:
        control, audio = connect_client(context, connection)
        with control, audio:
            control.send_multipart(encode(question))
            deadline = time.monotonic() + _ANSWER_SECONDS
            while (left := deadline - time.monotonic()) > 0 and control.poll(int(left * 1000) + 1):
                try:
                    answer = decode(control.recv_multipart(), CONTROL_TO_CLIENT)
                except RemoteProtocolError as error:
                    raise ServerError(f"the sidecar answers what is no answer: {error}") from None
                if isinstance(answer, Error):
                    raise ServerError(f"the sidecar refuses: {answer.text}; {answer.hint}")
                if isinstance(answer, kind):
                    return answer
    raise ServerError(
        f"the sidecar (process {connection.pid}) does not answer; see its log, or end it by "
        f"`kill {connection.pid}` and start `stembridge serve` again"
    )
