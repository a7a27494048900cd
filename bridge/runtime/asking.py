"""Asking a server how it fares, and ending it."""

from __future__ import annotations

import os
import signal
import time
from typing import Any, TypeVar

import zmq

from bridge.errors import RemoteProtocolError, ServerError
from bridge.protocol.codec import decode, encode
from bridge.protocol.messages import CONTROL_TO_CLIENT, Error, Report, Status
from bridge.protocol.record import Message
from bridge.runtime.connection import Connection, is_served, read_connection
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
    if not is_served():
        raise ServerError("no sidecar is running any more; start one by `stembridge serve`")
    os.kill(connection.pid, signal.SIGTERM)
    deadline = time.monotonic() + _END_SECONDS
    while is_served():
        if time.monotonic() > deadline:
            raise ServerError(
                f"the sidecar (process {connection.pid}) does not end; "
                f"`kill -9 {connection.pid}` does it"
            )
        time.sleep(0.02)
    return connection.pid


def _ask(connection: Connection, question: Message, kind: type[M]) -> M:
    with zmq.Context() as context:
        control, audio = connect_client(context, connection)
        with control, audio:
            deadline = time.monotonic() + _ANSWER_SECONDS
            if control.poll(int(1000 * _ANSWER_SECONDS), zmq.POLLOUT):
                control.send_multipart(encode(question))
            while (left := deadline - time.monotonic()) > 0 and control.poll(int(left * 1000) + 1):
                try:
                    answer = decode(control.recv_multipart(), CONTROL_TO_CLIENT)
                except RemoteProtocolError as error:
                    raise ServerError(f"the sidecar answers what is no answer: {error}") from None
                if isinstance(answer, Error):
                    raise ServerError(f"the sidecar refuses: {answer.text}")
                if isinstance(answer, kind):
                    return answer
    raise ServerError(
        f"the sidecar at {connection.control} does not answer; see its log, or end it by "
        "`stembridge stop` there and start it again; from afar, `stembridge keys allow` lets one in"
    )
