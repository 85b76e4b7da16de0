"""The checks `matomo-api` and `site-access`."""

from __future__ import annotations

from opalmind_tui.health.facts import Facts, SiteAccess
from opalmind_tui.health.words import milliseconds
from opalmind_tui.snapshot.model import Check, Verdict


def matomo_check(facts: Facts) -> Check:
    """Whether Matomo answers."""
    verdict, output, observed = _matomo(facts)
    return Check("matomo-api", verdict, output, "service", observed, "ms")


def _matomo(facts: Facts) -> tuple[Verdict, str, float | None]:
    probe = facts.matomo
    if not facts.settings.matomo_base_url:
        return Verdict.UNKNOWN, "no Matomo is configured (MATOMO_BASE_URL)", None
    if probe.error is not None:
        return Verdict.FAIL, facts.clean(probe.error), 0
    if probe.value is None:
        return Verdict.UNKNOWN, "not asked yet", None
    observed = milliseconds(probe.value)
    return Verdict.OK, f"API responded in {observed}ms", observed


def site_check(facts: Facts, site: SiteAccess) -> Check:
    """Whether a site may be read."""
    if site.error:
        return Check("site-access", Verdict.FAIL, facts.clean(site.error))
    return Check("site-access", Verdict.OK, f"Site ID {site.site_id} accessible")
