"""The queues under test: memory and every server, as for the queue itself."""

from tests.tracking.conftest import bench, make_bench, queue_server

__all__ = ["bench", "make_bench", "queue_server"]
