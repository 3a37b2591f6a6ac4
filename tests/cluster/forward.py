"""Carries connections between the node's network namespace and the machine's, which have no other way between them.

`python forward.py RECORD LISTENER PORT [PROCESS]`: writes its process number to RECORD, accepts on the inherited socket
LISTENER and dials 127.0.0.1:PORT, inside the network namespace of PROCESS if one is named.
"""

import asyncio
import ctypes
import os
import socket
import sys
from pathlib import Path

CLONE_NEWNET = 0x40000000
CHUNK = 65536


def enter_network_of(process: int) -> None:
    """Move the calling thread into another process's network namespace. Sockets made before stay where they are."""
    namespace = os.open(f"/proc/{process}/ns/net", os.O_RDONLY)
    try:
        if ctypes.CDLL(None, use_errno=True).setns(namespace, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"cannot enter the network namespace of process {process}")
    finally:
        os.close(namespace)


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carry bytes until the near side ends, and pass that end on: the other direction may still be open."""
    try:
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
    except OSError:  # either side went away: the other is told by its end
        writer.close()


async def serve(listener: socket.socket, port: int) -> None:
    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(copy(reader, far_writer), copy(far_reader, writer))
        far_writer.close()
        writer.close()

    async with await asyncio.start_server(accept, sock=listener) as server:
        await server.serve_forever()


if __name__ == "__main__":
    record = Path(sys.argv[1])
    inherited, far_port, *inside = map(int, sys.argv[2:])
    near = socket.socket(fileno=inherited)
    if inside:
        enter_network_of(inside[0])
    record.write_text(f"{os.getpid()}\n")
    asyncio.run(serve(near, far_port))
