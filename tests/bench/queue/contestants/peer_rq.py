"""rq: results not kept, its worker without a fork for each job, which runs one at a time."""

from __future__ import annotations

import redis
import rq
import stage


def job(argument: str) -> None:
    stage.job_sync(argument)


class Rq(stage.Contestant):
    blocking = True

    async def open(self) -> None:
        self.client = redis.Redis.from_url(stage.URL)
        self.queue = rq.Queue(connection=self.client)

    def put(self, payload: str) -> None:
        self.queue.enqueue("peer_rq.job", payload, result_ttl=0)

    def work(self) -> None:
        rq.SimpleWorker([self.queue], connection=self.client).work(logging_level="ERROR")


if __name__ == "__main__":
    stage.main(Rq())
