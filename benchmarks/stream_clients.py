"""Clients of the order stream in a process of their own: `python -m benchmarks.stream_clients URL READERS SLEEPERS`.

Says `ready` when all are connected, and at the end of its input writes what each of them saw as one line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from dataclasses import dataclass, field
from time import perf_counter
from urllib.parse import urlsplit

import uvloop
from websockets.asyncio.client import ClientConnection, connect

_SEQUENCE = re.compile(r'"seq":(\d+)')
_UPDATE = re.compile(r'"broker_order_id":"(\w+)".*"filled_quantity":(\d+)')


@dataclass(slots=True)
class Seen:
    """What one reader got. `gaps` counts sequence numbers that did not follow; `updates` are kept of the first one."""

    keeps: bool
    first: int = 0
    last: int = 0
    count: int = 0
    gaps: int = 0
    is_closed: bool = False
    updates: list[tuple[str, int, float]] = field(default_factory=list)

    def take(self, text: str) -> None:
        at = perf_counter()
        found = _SEQUENCE.search(text)
        if found is None or '"order_update"' not in text:
            return
        sequence = int(found[1])
        self.gaps += bool(self.count and sequence != self.last + 1)
        self.first = self.first or sequence
        self.last, self.count = sequence, self.count + 1
        if self.keeps:
            update = _UPDATE.search(text)
            if update is not None:
                self.updates.append((update[1], int(update[2]), at))


async def _read(socket: ClientConnection, seen: Seen) -> None:
    try:
        async for text in socket:
            assert isinstance(text, str)
            seen.take(text)
    except Exception:  # the server has closed it, whatever the reason: that counts as a loss
        seen.is_closed = True
        return
    seen.is_closed = True


async def _sleep(url: str) -> asyncio.StreamWriter:
    """A client that shakes hands and never reads."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=1024)
    key = "dGhlIHNhbXBsZSBub25jZQ=="
    head = f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    writer.write(f"{head}Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    return writer


async def main(url: str, readers: int, sleepers: int) -> None:
    sockets = [await connect(url, compression=None, max_queue=None) for _ in range(readers)]
    asleep = [await _sleep(url) for _ in range(sleepers)]
    seen = [Seen(keeps=number == 0) for number in range(readers)]
    reading = [asyncio.create_task(_read(socket, one)) for socket, one in zip(sockets, seen, strict=True)]
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    rows = [[one.first, one.last, one.count, one.gaps, one.is_closed] for one in seen]
    print(json.dumps({"readers": rows, "updates": seen[0].updates}), flush=True)
    for task in reading:
        task.cancel()
    for writer in asleep:
        writer.close()
    os._exit(0)


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
