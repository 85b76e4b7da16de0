"""What the README says that a Redis user needs is enough, and Redis refuses nothing of what we do as that user."""

from __future__ import annotations

import re
from pathlib import Path

import redis

from opalmind_tui.matomo.endpoints import tracking_url
from opalmind_tui.settings.model import Settings
from opalmind_tui.storage.connection import async_client
from opalmind_tui.tracking.queue import Fate, Settlement
from tests.acceptance.support import a_field, lines, marks, write_lines
from tests.support import programs
from tests.support.cluster import running_cluster
from tests.support.servers import Product
from tests.tracking.queue_harness import hit, redis_queue

README = Path(__file__).parents[2] / "README.md"
PASSWORD = "a-password-of-a-test"


def rights() -> list[str]:
    """The rules of the README's example."""
    (found,) = re.findall(r"acl setuser opalmind on '>\$PASSWORD' ([^`]+)```", README.read_text("utf-8"))
    return found.replace("'", "").replace("\\\n", " ").split()


async def test_a_user_with_the_rights_of_the_readme(any_product: Product, tmp_path: Path) -> None:
    write_lines(tmp_path / "hits.jsonl", lines(60))
    async with a_field(any_product) as field:
        with redis.Redis.from_url(field.server.url, decode_responses=True) as admin:
            admin.execute_command("ACL", "SETUSER", "opalmind", "reset", "on", f">{PASSWORD}", *rights())
            admin.execute_command("ACL", "LOG", "RESET")
            field.env |= {"REDIS_USERNAME": "opalmind", "REDIS_PASSWORD": PASSWORD}
            worker = await field.worker()
            tracked = await programs.run("track", "--from", str(tmp_path / "hits.jsonl"), env=field.env)
            assert tracked.code == 0, tracked.stderr
            await field.until(lambda: len(marks(field.matomo)) == 60, 60)
            for command in (("status", "--json"), ("cache", "stats"), ("cache", "purge", "--yes"), ("doctor",)):
                done = await programs.run(*command, env=field.env)
                assert "NOPERM" not in done.stdout + done.stderr
                assert "permission" not in (done.stdout + done.stderr).lower(), (command, done.stdout, done.stderr)
            await _operate(field.server.url, tracking_url(field.matomo.url))
            ended = await programs.end(worker)
            assert ended.code == 0, ended.stderr
            assert "ACL" not in ended.stderr
            refused = [(entry["reason"], entry["object"]) for entry in admin.acl_log()]
            assert refused == []


async def test_a_user_of_a_cluster_with_the_rights_of_the_readme(any_product: Product) -> None:
    (more,) = re.findall(r"A user with an ACL also needs `([^`]+)`", README.read_text("utf-8"))
    with running_cluster(any_product) as cluster:
        for node in cluster.nodes:
            with cluster.client(node) as admin:
                rules = ("reset", "on", f">{PASSWORD}", *rights(), *more.split())
                admin.execute_command("ACL", "SETUSER", "opalmind", *rules)
                admin.execute_command("ACL", "LOG", "RESET")
        env = {
            "REDIS_URL": cluster.url, "REDIS_CLUSTER": "true", "REDIS_USERNAME": "opalmind", "REDIS_PASSWORD": PASSWORD,
            "MATOMO_BASE_URL": "http://127.0.0.1:1/", "MATOMO_DEFAULT_SITE_ID": "1",
        }  # fmt: skip
        for command in ("track pageview --url https://x/", "doctor", "keys --exact", "cache purge --all --yes"):
            done = await programs.run(*command.split(), env=env)
            assert "permi" not in (done.stdout + done.stderr).lower(), (command, done.stdout, done.stderr)
        for node in cluster.nodes:
            with cluster.client(node) as admin:
                assert [(entry["reason"], entry["object"]) for entry in admin.acl_log()] == []


async def _operate(url: str, endpoint: str) -> None:
    """Everything that an operator can ask of the queue."""
    client = async_client(Settings(redis_url=url, redis_username="opalmind", redis_password=PASSWORD))
    queue = redis_queue(client)
    await queue.pause(endpoint, by="kim", reason="a test")
    await queue.limit_rate(endpoint, 5, by="kim", reason="a test")
    await queue.resume(endpoint, by="kim")
    await queue.limit_rate(endpoint, None, by="kim", reason="a test")
    await queue.open_gate(endpoint)
    elsewhere = endpoint + "?elsewhere"
    ids = [answer.id for answer in await queue.enqueue(elsewhere, [hit(number) for number in range(3)])]
    claim = await queue.claim(elsewhere, "a-token", limit=1, lease=30)
    await queue.mark_posted(claim.token)
    await queue.settle(claim.token, [Settlement(claim.requests[0].id, Fate.DEAD)])
    await queue.retry(ids)
    await queue.purge(ids)
    await queue.restore(ids)
    await queue.purge(ids, hard=True)
    await queue.reap()
    cursor = ""
    while cursor := (await queue.reconcile(cursor)).cursor:
        pass
    assert (await queue.counts(elsewhere)).ledger_difference == 0
    await client.aclose()
