"""TLS before a server that was built without it: a proxy on loopback, in threads of its own."""

from __future__ import annotations

import select
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import trustme

HOST = "127.0.0.1"


class Authority:
    """A certificate authority of a test, with what it signs in files.

    Args:
        folder: where they go.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ca = trustme.CA()
        self.file = str(folder / f"ca-{id(self)}.pem")
        self._ca.cert_pem.write_to_path(self.file)

    def server(self, *names: str, wants_client: bool = False, **more: object) -> ssl.SSLContext:
        """What a server for these names shows; `wants_client`: it lets in only whom this authority has signed."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._ca.issue_cert(*names, **more).configure_cert(context)  # type: ignore[arg-type]
        if wants_client:
            context.verify_mode = ssl.CERT_REQUIRED
            self._ca.configure_trust(context)
        return context

    def client(self, name: str = "opalmind@example.org") -> tuple[str, str]:
        """The files of a client's certificate and key."""
        issued = self._ca.issue_cert(name)
        certificate, key = self._folder / f"{name}-{id(self)}.pem", self._folder / f"{name}-{id(self)}.key"
        issued.cert_chain_pems[0].write_to_path(str(certificate))
        issued.private_key_pem.write_to_path(str(key))
        return str(certificate), str(key)


@contextmanager
def tls_before(port: int, context: ssl.SSLContext) -> Iterator[int]:
    """A port that speaks TLS and hands on to the plain one.

    By blocking sockets: OpenSSL then says why it refuses a client, as a server's own TLS does; asyncio only hangs up.
    """
    ended = threading.Event()

    def accept() -> None:
        while not ended.is_set():
            with suppress(TimeoutError):
                client, _ = listener.accept()
                threads.append(threading.Thread(target=_serve, args=(client, port, context, ended)))
                threads[-1].start()

    with socket.create_server((HOST, 0)) as listener:
        listener.settimeout(0.05)
        threads = [threading.Thread(target=accept)]
        threads[0].start()
        try:
            yield listener.getsockname()[1]
        finally:
            ended.set()
            for thread in threads:
                thread.join(10)


def _serve(client: socket.socket, port: int, context: ssl.SSLContext, ended: threading.Event) -> None:
    with suppress(OSError), client:
        client.settimeout(5)
        with context.wrap_socket(client, server_side=True) as front, socket.create_connection((HOST, port)) as behind:
            while not ended.is_set():
                ready = [front] if front.pending() else select.select([front, behind], [], [], 0.05)[0]
                for source, target in ((front, behind), (behind, front)):
                    if source in ready:
                        data = source.recv(65_536)
                        if not data:
                            return
                        target.sendall(data)
