"""`doctor`: what is wrong, why, and what to do about it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click
from msgspec import to_builtins

from opalmind_tui import exits
from opalmind_tui.cli.asking import iso, with_engine
from opalmind_tui.cli.options import WithSettings, settings_options
from opalmind_tui.cli.output import answer

if TYPE_CHECKING:
    from opalmind_tui.snapshot.findings import Diagnosis, Finding

EXIT_OF = {None: exits.OK, "remark": exits.OK, "warning": exits.DEGRADED, "failure": exits.UNHEALTHY}


@click.command(cls=WithSettings)
@click.option("--json", "as_json", is_flag=True, help="The findings as JSON.")
@settings_options
@click.pass_context
def doctor(ctx: click.Context, as_json: bool) -> int:
    """Look for causes of trouble in Redis, queue, cache and Matomo, and say what to do.

    Nothing is changed. Unless it is read-only, it tries whether Redis can be written to, with a key that ends by
    itself; a Matomo token is tried without storing a hit.

    Exit code: 0 nothing found, or only remarks; 1 warnings, 2 failures, 3 cannot tell.
    """
    found = with_engine(ctx, lambda engine: engine.diagnose(), role="doctor")
    answer(json.dumps(document(found), indent=2) if as_json else shown(found))
    return EXIT_OF[found.worst] if found.asked else exits.CANNOT_TELL


def shown(diagnosis: Diagnosis) -> str:
    """The findings as text, the worst first."""
    number = len(diagnosis.findings)
    result = f"{number} finding{'' if number == 1 else 's'}" if number else "nothing found"
    head = f"{result} in {diagnosis.checks} checks of redis {diagnosis.address}"
    return "\n\n".join([head, *(_shown(finding) for finding in diagnosis.findings)])


def _shown(finding: Finding) -> str:
    parts = (
        ("seen", finding.evidence), ("means", finding.consequence), ("do", finding.remedy), ("offer", finding.offer),
        ("run", finding.command),
    )  # fmt: skip
    lines = [f"{finding.severity.upper()}  {finding.title}  [{finding.id}]"]
    return "\n".join(lines + [f"  {name:<5}  {text}" for name, text in parts if text])


def document(diagnosis: Diagnosis) -> dict[str, Any]:
    """The findings by their names in JSON."""
    findings = [
        {name: value for name, value in to_builtins(finding).items() if name != "action"}
        | {"action": None if finding.action is None else str(finding.action.act)}
        for finding in diagnosis.findings
    ]
    return {
        "timestamp": iso(diagnosis.at),
        "redis": diagnosis.address,
        "worst": diagnosis.worst,
        "checks": diagnosis.checks,
        "findings": findings,
    }
