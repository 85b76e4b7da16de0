"""The stand-in Matomo in a process of its own: every answer takes 50 ms and 1 ms for each hit."""

from __future__ import annotations

import asyncio

import stage

from opalmind_tui.demo.matomo import Behaviour, StandIn


async def main() -> None:
    matomo = StandIn()
    await matomo.start()
    await matomo.behave(Behaviour(latency=0.05, latency_per_hit=0.001))
    stage.say(matomo=matomo.url)
    await asyncio.Event().wait()


asyncio.run(main())
