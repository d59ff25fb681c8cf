"""Stripe's place in the webhook benchmark: a process that answers from patterns, as cheaply as Python can.

Stripe's own work is not on this machine in real life, so it should weigh as little as possible here.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from tests.benchmarks.webhook_material import Material, StandIn


async def serve(port: int, patterns: Material) -> None:
    """Answer GETs on kept connections until the process is ended."""
    stand_in = StandIn(patterns)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                status, body = stand_in.answer(head.split(b" ", 2)[1].decode())
                reason = "OK" if status == 200 else "Not Found"
                writer.write(
                    f"HTTP/1.1 {status} {reason}\r\nContent-Type: application/json\r\nContent-Length: {len(body.encode())}"
                    f"\r\n\r\n{body}".encode()
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async with await asyncio.start_server(talk, "127.0.0.1", port) as server:
        await server.serve_forever()


if __name__ == "__main__":
    told = json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))
    asyncio.run(
        serve(int(sys.argv[1]), Material(told["intent"], told["charge"], told["refunds"], tuple(told["events"])))
    )
