"""Puts backups among the alerts: what is wrong with a host's copies, and what of it a dark site explains.

Rules are data: when each holds, how patient it is, and its words. Pure, but for `backup_conditions`, which asks.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from backup.repository.overview import HostView, Lateness, Proof
from backup.repository.standing import Standing
from beket.app.wiring import backup_tellings as tellings
from beket.app.wiring.backup_tellings import Telling
from beket.kernel.ids import SiteId
from beket.kernel.inventory import Site
from beket.kernel.ports import InventoryView
from beket.kernel.text import Text, say
from beket.kernel.units import spell_bytes
from collector.rules import wording
from collector.rules.condition import Condition, alert_key
from collector.rules.judge import SITE_DARK, SITE_SILENT
from collector.rules.standing import Timing

# Standings are judged by hours, and a key that the centre is just making stands in its ledger a moment later: a look or
# two more costs nothing and spares a false word.
TIMING = Timing(for_s=60, keep_firing_for_s=60, gap_max_s=120)
# The first drill follows the first copy within minutes; a host that was off in between gets some hours.
UNPROVEN_TIMING = Timing(for_s=6 * 3600, keep_firing_for_s=60, gap_max_s=24 * 3600)
# A large first copy over a thin line takes a day or two.
FIRST_COPY_TIMING = Timing(for_s=48 * 3600, keep_firing_for_s=60, gap_max_s=24 * 3600)
AT_ONCE = Timing(for_s=0, keep_firing_for_s=60, gap_max_s=120)
# The numbers are those of the Prometheus rules: dashboards/prometheus/rules.yaml.
LOCKED_FOR_S = 86_400
NEARLY_FULL_RATIO = 0.9
HALF_FULL_RATIO = 0.5
FULL_WITHIN_DAYS = 14


@dataclass(frozen=True, slots=True)
class Rule:
    """One trouble.

    Attributes:
        holds: whether a host has it.
        plans: which plans its words name.
        waits_for_light: a dark or silent site explains it.
    """

    name: str
    telling: Telling
    holds: Callable[[HostView], bool]
    timing: Timing = TIMING
    plans: Callable[[HostView], Sequence[str]] = lambda _: ()
    waits_for_light: bool = False


def stands(standing: Standing) -> Callable[[HostView], bool]:
    """Whether a host stands so."""
    return lambda view: view.standing is standing


def with_proof(*proofs: Proof) -> Callable[[HostView], Sequence[str]]:
    """Names of the plans whose restore is known to be one of these."""
    return lambda view: [plan.name for plan in view.plans if plan.proof in proofs]


def of_lateness(lateness: Lateness) -> Callable[[HostView], Sequence[str]]:
    """Names of the plans whose newest whole copy is so old, where no graver word for the whole host explains it."""

    def names(view: HostView) -> Sequence[str]:
        if view.standing in (Standing.GONE, Standing.LYING, Standing.SILENT):
            return []
        return [plan.name for plan in view.plans if plan.lateness is lateness]

    return names


def late_plans(view: HostView) -> Sequence[str]:
    """Whose copies are late: each plan by its own term; the host when no plan of its is."""
    return _late(view) or (not_well(view) if view.standing is Standing.LATE else [])


def never_copied(view: HostView) -> Sequence[str]:
    """Of what there was no whole copy yet: plans, or the host while it names none."""
    return _never(view) or ([view.host] if view.standing is Standing.EMPTY and not view.plans else [])


def is_running_out(view: HostView) -> bool:
    """Whether the allowance is nearly used up, or will be within a fortnight at the month's pace."""
    used = view.quota_ratio
    if used is None or not view.size_bytes:
        return False
    left_bytes = view.size_bytes / used - view.size_bytes if used else 0
    is_soon = (view.growth_bytes or 0) * FULL_WITHIN_DAYS > left_bytes
    return used > NEARLY_FULL_RATIO or (used > HALF_FULL_RATIO and is_soon)


def not_well(view: HostView) -> Sequence[str]:
    """Names of the plans that somebody has to look after; the host's own when no plan is known."""
    return [plan.name for plan in view.plans if not plan.is_well] or [view.host]


_late, _never = of_lateness(Lateness.LATE), of_lateness(Lateness.NEVER)
_unrestorable, _unproven = with_proof(Proof.WRONG), with_proof(Proof.NEVER, Proof.STALE)

RULES = (
    Rule("backup-damaged", tellings.DAMAGED, lambda view: view.damaged > 0, AT_ONCE),
    Rule("backup-gone", tellings.GONE, stands(Standing.GONE)),
    Rule("backup-lying", tellings.LYING, stands(Standing.LYING)),
    Rule("backup-silent", tellings.SILENT, stands(Standing.SILENT), waits_for_light=True),
    Rule("backup-late", tellings.LATE, lambda view: bool(late_plans(view)), plans=late_plans, waits_for_light=True),
    Rule(
        "backup-empty",
        tellings.EMPTY,
        lambda view: bool(never_copied(view)),
        FIRST_COPY_TIMING,
        never_copied,
        waits_for_light=True,
    ),
    Rule("backup-unrestorable", tellings.UNRESTORABLE, lambda view: bool(_unrestorable(view)), AT_ONCE, _unrestorable),
    Rule(
        "backup-unproven",
        tellings.UNPROVEN,
        lambda view: bool(_unproven(view)),
        UNPROVEN_TIMING,
        _unproven,
        waits_for_light=True,
    ),
    Rule("backup-envelope", tellings.ENVELOPE, lambda view: view.envelope_is_due),
    Rule("backup-keys", tellings.KEYS, lambda view: view.unknown_keys > 0),
    Rule("backup-locked", tellings.LOCKED, lambda view: view.lock_age_s > LOCKED_FOR_S),
    Rule("backup-quota", tellings.QUOTA, is_running_out),
    Rule("backup-growth", tellings.GROWTH, lambda view: view.grew_bytes is not None),
)


def backup_conditions(
    views: Callable[[], Sequence[HostView]], inventory: InventoryView, *, contact: str
) -> list[Condition]:
    """What the rules of backups say now, for each host with a repository here. Blocking."""
    sites = {str(site.id): site for site in inventory.current().sites}
    return [one for view in views() for one in conditions_of(view, sites.get(view.site), contact=contact)]


def conditions_of(view: HostView, site: Site | None, *, contact: str) -> list[Condition]:
    """What each rule says of one host."""
    call = wording.whom_to_call(contact, site) if site else _anybody(contact)
    values = {
        "place": wording.place(site) if site else say("{host}", "{host}", host=view.host),
        "damaged": view.damaged,
        "keys": view.unknown_keys,
        "used": f"{100 * (view.quota_ratio or 0):.0f} %",
        "size": spell_bytes(view.size_bytes),
        "grew": spell_bytes(view.grew_bytes or 0),
        "hours": round(view.lock_age_s / 3600),
    }
    dark = (alert_key(SITE_SILENT, view.site), alert_key(SITE_DARK, view.site))
    return [
        Condition(
            rule.name,
            view.host,
            SiteId(view.site),
            rule.holds(view),
            rule.timing,
            dark if rule.waits_for_light else (),
            rule.telling.words(call, values | {"names": ", ".join(rule.plans(view))}) if rule.holds(view) else None,
        )
        for rule in RULES
    ]


def _anybody(contact: str) -> Text:
    if contact:
        return say("{contact}", "{contact}", contact=contact)
    return say("Відповідальний за ІТ у громаді.", "Whoever looks after IT in the community.")
