"""A link made in user space: it passes TCP on, and is as bad as it is told to be.

    python -m tests.server.relay JITTER_SECONDS LOSS PORT...

Prints a port of its own for each PORT on loopback, which it connects to it. Lines on its standard
input change it: `cut` drops every connection and refuses more, `mend` ends that, `hold` and `go`
keep everything on its way from arriving meanwhile, as where a cable is out for a moment.

TCP keeps the order of its bytes, so what is late makes all that follows late as well. A packet that
is lost while others follow is sent again at once, but the last one of a chunk only after a timeout
of 200 ms or more (Linux: TCP_RTO_MIN). So each chunk stops its direction for so long with
probability LOSS.
"""

from __future__ import annotations

import asyncio
import random
import sys
from asyncio import StreamReader, StreamWriter
from contextlib import suppress

RETRANSMISSION_SECONDS = 0.2
_CHUNK_BYTES = 1 << 16
_CHUNKS = 64
"""On their way in one direction at once: as TCP does, it stops reading when nobody reads."""


class Relay:
    """Pairs of connections. jitter: most seconds each way. loss: share of chunks, each way."""

    def __init__(self, jitter: float, loss: float) -> None:
        self._chance = random.Random(1)  # noqa: S311 - any will do
        self._jitter = jitter
        self._loss = loss
        self._ways: set[asyncio.Task[None]] = set()
        self._writers: set[StreamWriter] = set()
        self._servers: list[asyncio.Server] = []
        self._flows = asyncio.Event()
        self._flows.set()

    async def listen(self, port: int, behind: int) -> int:
        """Pass what comes to `port`, 0 for any, on to the port `behind`; returns which one."""

        async def accept(reader: StreamReader, writer: StreamWriter) -> None:
            await self._connect(reader, writer, behind)

        server = await asyncio.start_server(accept, "127.0.0.1", port)
        self._servers.append(server)
        found: int = server.sockets[0].getsockname()[1]
        return found

    def cut(self) -> None:
        """Drop all connections, and refuse more."""
        for server in self._servers:
            server.close()
        self._servers.clear()
        for writer in self._writers:
            writer.transport.abort()

    def hold(self, *, on: bool) -> None:
        """Keep everything from arriving, or let it go on."""
        if on:
            self._flows.clear()
        else:
            self._flows.set()

    async def _connect(self, reader: StreamReader, writer: StreamWriter, port: int) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.transport.abort()
            return
        for source, sink in ((reader, far_writer), (far_reader, writer)):
            self._writers.add(sink)
            way = asyncio.create_task(self._pass_on(source, sink))
            self._ways.add(way)
            way.add_done_callback(self._ways.discard)

    async def _pass_on(self, source: StreamReader, sink: StreamWriter) -> None:
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_CHUNKS)
        delivering = asyncio.create_task(self._deliver(under_way, sink))
        clock, arrives = asyncio.get_running_loop().time, 0.0
        with suppress(OSError):
            while chunk := await source.read(_CHUNK_BYTES):
                lost = self._chance.random() < self._loss
                delay = RETRANSMISSION_SECONDS if lost else self._chance.uniform(0, self._jitter)
                arrives = max(arrives, clock() + delay)
                await under_way.put((arrives, chunk))
        await under_way.put((arrives, b""))
        await delivering
        self._writers.discard(sink)

    async def _deliver(
        self, under_way: asyncio.Queue[tuple[float, bytes]], sink: StreamWriter
    ) -> None:
        clock = asyncio.get_running_loop().time
        while (item := await under_way.get())[1]:
            await asyncio.sleep(max(0.0, item[0] - clock()))
            await self._flows.wait()
            sink.write(item[1])
            with suppress(OSError):  # whoever sends hears of it
                await sink.drain()
        sink.close()


async def main(jitter: float, loss: float, ports: list[int]) -> None:
    """Pass on until standard input ends."""
    relay = Relay(jitter, loss)
    ours = [await relay.listen(0, port) for port in ports]
    print(*ours, flush=True)  # noqa: T201 - that is the interface
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        match line.strip():
            case "cut":
                relay.cut()
            case "mend":
                for own, port in zip(ours, ports, strict=True):
                    await relay.listen(own, port)
            case "hold" | "go" as word:
                relay.hold(on=word == "hold")


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]), float(sys.argv[2]), [int(port) for port in sys.argv[3:]]))
