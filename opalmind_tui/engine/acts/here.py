"""What concerns this process: whether it delivers, and whether the token is used again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from msgspec import Struct

from opalmind_tui.engine.acts.kind import OnProgress, unseen
from opalmind_tui.snapshot.commands import Command, Outcome, Plan


class Deliver(Struct):
    """Switches this process's delivery from Redis on or off."""

    deliver: Callable[[bool], None]

    async def plan(self, command: Command, on_progress: OnProgress = unseen) -> Plan:
        if command.deliver:
            consequences = ("This dashboard takes requests from the shared queue and sends them to its Matomo.",)
        else:
            consequences = ("It only observes from now on; what it has posted it finishes.",)
        title = "Start delivering from this dashboard" if command.deliver else "Stop delivering from this dashboard"
        return Plan(command, title, 1, (), consequences, "It can be switched back at any time.")

    async def run(self, plan: Plan, on_progress: OnProgress) -> Outcome:
        self.deliver(plan.command.deliver)
        return Outcome("This dashboard delivers" if plan.command.deliver else "This dashboard only observes", done=1)


class TestToken(Struct):
    """Lets Matomo's token be used again after it was refused; `test_token` returns what Matomo says against it."""

    test_token: Callable[[], Awaitable[str]]

    async def plan(self, command: Command, on_progress: OnProgress = unseen) -> Plan:
        return Plan(
            command,
            "Ask Matomo again with the token",
            1,
            (),
            (
                "After one refusal nobody uses the token, until it changes or somebody asks again.",
                "Twenty-one refusals within an hour make Matomo lock tokens out for this address, good ones too.",
            ),
            "There is nothing to undo.",
        )

    async def run(self, plan: Plan, on_progress: OnProgress) -> Outcome:
        refusal = await self.test_token()
        return Outcome(f"Matomo still says: {refusal}" if refusal else "Matomo takes the token", done=int(not refusal))
