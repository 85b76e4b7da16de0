"""dramatiq: its worker runs threads."""

from __future__ import annotations

import time

import dramatiq
import stage
from dramatiq.brokers.redis import RedisBroker

broker = RedisBroker(url=stage.URL)
dramatiq.set_broker(broker)


@dramatiq.actor
def job(argument: str) -> None:
    stage.job_sync(argument)


class Dramatiq(stage.Contestant):
    blocking = True

    def put(self, payload: str) -> None:
        job.send(payload)

    def work(self) -> None:
        dramatiq.Worker(broker, worker_threads=stage.CONCURRENCY).start()
        while True:
            time.sleep(60)


stage.main(Dramatiq())
