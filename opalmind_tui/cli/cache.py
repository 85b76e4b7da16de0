"""`cache`: what the report cache holds and how it does, for people and scripts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click
from msgspec import to_builtins
from msgspec.structs import replace

from opalmind_tui import exits
from opalmind_tui.cli.asking import camel, iso, table, with_engine
from opalmind_tui.cli.changing import How, change, change_options
from opalmind_tui.cli.options import GroupWithSettings, WithSettings, settings_of, settings_options
from opalmind_tui.cli.output import answer, say, typed
from opalmind_tui.reports.features import NAMES
from opalmind_tui.snapshot.commands import Act, Command, TtlTarget
from opalmind_tui.text import safe_text

if TYPE_CHECKING:
    from opalmind_tui.engine.engine import Engine
    from opalmind_tui.snapshot.entries import EntryRow
    from opalmind_tui.snapshot.model import CacheView, FeatureView

MOST_LISTED = 10_000
_as_json = click.option("--json", "as_json", is_flag=True, help="The answer as JSON.")
_feature = click.option("--feature", type=click.Choice(NAMES), help="Only this kind of report.")
_match = click.option("--match", metavar="TEXT", default="", help="Only entries whose key holds this text.")


@click.group(cls=GroupWithSettings)
@settings_options
def cache() -> None:
    """Look at the report cache, and change it.

    Exit code: 0 done, 1 there is no such entry or a part failed, 2 refused, 3 Redis is away.
    """


@cache.command(cls=WithSettings)
@_as_json
@settings_options
@click.pass_context
def stats(ctx: click.Context, as_json: bool) -> int:
    """Say how the cache does, in all and by kind of report.

    Look-ups are those of all opalmind-tui processes on this Redis; hit rates are those of the last minutes. Expired:
    found past their time. Stale: given past their time while Matomo or Redis was away. Corrupt: no such report, fetched
    anew. Errors: what Redis did not do. Bytes and milliseconds: for one fetch.
    """
    view = with_engine(ctx, lambda engine: engine.cache_view())
    answer(json.dumps(_stats(view), indent=2) if as_json else _stats_shown(view))
    return exits.OK


@cache.command("list", cls=WithSettings)
@_feature
@_match
@click.option("--limit", type=click.IntRange(1, MOST_LISTED), default=100, show_default=True, help="How many.")
@_as_json
@settings_options
@click.pass_context
def list_entries(ctx: click.Context, feature: str | None, match: str, limit: int, as_json: bool) -> int:
    """List entries: state, seconds left, bytes, key.

    It walks over the keys in small steps, leaving the server alone as long as each step took.
    """
    from opalmind_tui.reports.selection import Selection

    rows, more = with_engine(ctx, lambda engine: engine.entries.rows(Selection(feature or "", match), limit))
    if as_json:
        answer(json.dumps({"entries": [_entry(row) for row in rows], "more": more}, indent=2))
    else:
        answer("\n".join(_line(row) for row in rows) if rows else "no entries")
        if more:
            say(f"There are more than {limit:,}; see --limit, --feature and --match.")
    return exits.OK


@cache.command(cls=WithSettings)
@click.argument("key")
@_as_json
@settings_options
@click.pass_context
def show(ctx: click.Context, key: str, as_json: bool) -> int:
    """Show one entry and its report. KEY is as `cache list` shows it, or with the prefix as Redis has it."""
    found = with_engine(ctx, lambda engine: engine.entries.one(key))
    if found is None:
        say(f"There is no entry under {safe_text(typed(key), 200)}")
        return exits.DEGRADED
    row, value = found
    if as_json:
        answer(json.dumps({**_entry(row), "value": value}, indent=2))
    else:
        report = "" if value is None else "\n" + json.dumps(value, indent=2, ensure_ascii=False)
        answer(_line(row) + report)
    return exits.OK


@cache.command(cls=WithSettings)
@click.argument("key", required=False, metavar="[KEY]")
@_feature
@click.option("--match", metavar="TEXT", help="Only entries whose key holds this text.")
@click.option("--all", "everything", is_flag=True, help="Every report.")
@click.option("--limit", type=click.IntRange(1), help="No more than so many, whichever come first.")
@change_options
@settings_options
@click.pass_context
def purge(
    ctx: click.Context,
    key: str | None,
    feature: str | None,
    match: str | None,
    everything: bool,
    limit: int | None,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> int:
    """Delete entries; they are fetched anew from Matomo when they are next asked for.

    KEY is as `cache list` shows it, or with the prefix as Redis has it. TEXT is plain text: `*` and `?` stand for
    themselves, upper and lower case are the same. --feature and --match together mean entries that fit both.
    """
    ways = (everything, key is not None, feature is not None or match is not None)
    # An empty text would be in every key: a script whose variable is empty shall not purge all.
    if ways.count(True) != 1 or "" in (key, match):
        raise click.UsageError("Say what to purge: --all, --feature F, --match TEXT (or both of them), or one KEY.")
    command = Command(
        Act.PURGE_CACHE, feature=feature or "", match=match or "", key=_key_text(ctx, key or ""), limit=limit or 0
    )
    return change(ctx, command, How(dry_run, yes, as_json))


def _key_text(ctx: click.Context, key: str) -> str:
    """The key without its prefix."""
    return key.removeprefix(settings_of(ctx).cache_prefix) if key else ""


@cache.command(cls=WithSettings)
@click.argument("feature", type=click.Choice(["reports", "idempotency", *NAMES]), required=False, metavar="[FEATURE]")
@click.argument("duration", required=False, metavar="[DURATION]")
@click.option("--existing", is_flag=True, help="Also give it to the entries that exist.")
@click.option("--limit", type=click.IntRange(1), help="With --existing: to no more than so many, whichever come first.")
@change_options
@settings_options
@click.pass_context
def ttl(
    ctx: click.Context,
    feature: str | None,
    duration: str | None,
    existing: bool,
    limit: int | None,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> int:
    """Show times to live, or set one for all processes on this Redis.

    FEATURE is a kind of report, `reports` for all that have no time of their own, or `idempotency` for the records of
    sent requests. DURATION is 90, 300s, 5m, 2h or 1d, `reset` for the environment's value, or `undo` for what
    was set before. OpalMind services keep their own setting.

    Usual in practice: 30 to 60 s for real-time views, 2 to 5 min for moderate ones, 10 to 15 min for batches; records
    of sent requests 1 to 6 h for short retries, a day, or 48 to 72 h for long outages.
    """
    if duration is None:
        if existing or limit or dry_run or yes:
            raise click.UsageError("--existing, --limit, --dry-run and --yes make sense with a DURATION only.")
        rows = [row for row in with_engine(ctx, times_to_live) if feature in (None, row["feature"])]
        answer(json.dumps(rows, indent=2) if as_json else _ttl_shown(rows))
        return exits.OK
    if limit and not existing:
        raise click.UsageError("--limit makes sense with --existing only.")
    command = replace(_ttl_command(feature or "", duration, existing), limit=limit or 0)
    return change(ctx, command, How(dry_run, yes, as_json))


async def times_to_live(engine: Engine) -> list[dict[str, Any]]:
    """Every time to live in force, where it comes from, who set it and when."""
    return [
        {
            "feature": name,
            "seconds": one.seconds,
            "origin": one.origin,
            "by": one.by,
            "at": iso(one.at) if one.at else None,
        }
        for name, one in (await engine.times_to_live()).items()
    ]


def _ttl_shown(rows: list[dict[str, Any]]) -> str:
    lines: list[tuple[str, ...]] = [("what", "seconds", "origin", "set by")]
    for row in rows:
        who = f"{safe_text(row['by'])} {row['at']}" if row["by"] else ""
        lines.append((row["feature"], f"{row['seconds']:g}", row["origin"], who))
    return table(lines, numbers=(1,))


def _ttl_command(feature: str, duration: str, existing: bool) -> Command:
    from opalmind_tui.reports.ttl import parse_duration

    seconds = 0.0 if duration in ("reset", "undo") else parse_duration(duration)
    if duration not in ("reset", "undo") and not seconds:
        raise click.BadParameter("0 is no time to live; `reset` is for the environment's value.", param_hint="DURATION")
    target = TtlTarget.IDEMPOTENCY if feature == "idempotency" else TtlTarget.REPORTS
    name = "" if feature in ("idempotency", "reports") else feature
    return Command(
        Act.SET_TTL, feature=name, target=target, seconds=seconds, existing=existing, undo=duration == "undo"
    )


def _stats(view: CacheView) -> dict[str, Any]:
    """The figures by their names in JSON."""
    return {"hitRate": _rounded(view.hit_rate), **{camel(name): value for name, value in to_builtins(view).items()}} | {
        "features": [
            {
                "hitRate": _rounded(feature.hit_rate),
                **{camel(name): value for name, value in to_builtins(feature).items()},
            }
            for feature in view.features
        ]
    }


def _stats_shown(view: CacheView) -> str:
    heads = ("feature", "hit rate", "hits", "misses", "sets", "expired", "stale", "corrupt", "errors", "bytes each",
             "fetch ms", "entries", "TTL s", "set by")  # fmt: skip
    rows = [
        (feature.feature, _percent(feature.hit_rate), f"{feature.hits:,}", f"{feature.misses:,}", f"{feature.sets:,}",
         f"{feature.stale_evictions:,}", f"{feature.stale_served:,}", f"{feature.corrupt:,}", f"{feature.errors:,}",
         _each(feature, feature.bytes), _each(feature, feature.fetch_ms), f"{feature.entries:,}", f"{feature.ttl:g}",
         feature.ttl_origin)
        for feature in view.features
    ]  # fmt: skip
    about = "" if view.entries_exact else "about "
    total = (
        f"hit rate {_percent(view.hit_rate)} in {view.window / 60:.0f} min, {about}{view.entries:,} entries, "
        f"{view.saved_per_hour:,.0f} requests to Matomo saved an hour\n"
        f"stale served {view.stale_served:,}, corrupt {view.corrupt:,}, errors {view.errors:,}, "
        f"stored {view.bytes:,} bytes in {view.sets:,} entries, fetched in {view.fetch_ms / 1000:,.1f} s"
    )
    others = "".join(
        f"\nanother Matomo uses the same REDIS_CACHE_PREFIX: {safe_text(name, 200)}" for name in view.other_sources
    )
    return f"{total}{others}\n{table([heads, *rows], numbers=range(1, 13))}"


def _each(feature: FeatureView, total: int) -> str:
    """For one fetch."""
    return f"{total / feature.sets:,.0f}" if feature.sets else "-"


def _entry(row: EntryRow) -> dict[str, Any]:
    return {
        "key": row.key,
        "feature": row.feature,
        "state": str(row.state),
        "bytes": row.size,
        "expiresAt": None if row.expires_at is None else iso(row.expires_at),
        "redisTtl": row.kept,
    }


def _line(row: EntryRow) -> str:
    kept = "no TTL" if row.kept is None else f"{row.kept:.0f} s"
    size = "?" if row.size is None else f"{row.size:,}"
    return f"{row.state:<7}  {kept:>8}  {size:>9}  {safe_text(row.key)}"


def _percent(rate: float | None) -> str:
    return "-" if rate is None else f"{rate:.1f} %"


def _rounded(rate: float | None) -> float | None:
    return None if rate is None else round(rate, 2)
