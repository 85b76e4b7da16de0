"""A process of its own that asks a server for a PING each millisecond, and says how long the answers took.

Arguments: port and seconds. Prints JSON: p50, p99 and maximum in ms.
"""

from __future__ import annotations

import json
import socket
import sys
import time

PAUSE = 0.001


def main(port: int, seconds: float) -> None:
    """Ask, then tell."""
    taken: list[float] = []
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        ends = time.perf_counter() + seconds
        while (began := time.perf_counter()) < ends:
            connection.sendall(b"PING\r\n")
            connection.recv(64)
            taken.append((time.perf_counter() - began) * 1000)
            time.sleep(PAUSE)
    taken.sort()
    print(json.dumps([taken[int(share * (len(taken) - 1))] for share in (0.5, 0.99, 1.0)]))


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
