"""The search for a path: when it begins and ends, what each attempt tries (RFC 4555, 3.10)."""

from cygnet.base.groups import Group, Level
from cygnet.charon.sa import paths
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.mobility import Pair
from cygnet.charon.sa.states import LIVE
from cygnet.keying.config.settings import DaemonSettings

UNANSWERED = 3
"""So often a request has to go out along the path in use before others are tried, too (3.5)."""
FIRST_DELAY_S, MAX_DELAY_S = 0.3, 5.0
DEFERRED_S = 10.0
"""How often to look for a way out while this host has none. Changes of addresses and routes come at once."""


def is_due(sa: Association, sends: int) -> bool:
    """Whether to look for another path, since a request was sent so often without an answer.

    A responder leaves that to the initiator, unless it hears that one from elsewhere.
    """
    if not sa.is_mobile or sends < UNANSWERED or not sa.peer.mobike:
        return False
    return paths.has_choice(sa) if sa.mobility.leads else _elsewhere(sa) is not None


def begin(sa: Association, since: float) -> None:
    """The path in use has been silent since then."""
    sa.log(Group.IKE, f"no answer from {sa.remote.with_brackets()}, trying other paths, too")
    hint = None if sa.mobility.leads else _elsewhere(sa)
    sa.mobility.begin_probing(since, hint, attempts=paths.BESIDE)
    sa.mobility.resend = False


def _elsewhere(sa: Association) -> Pair | None:
    """The path that the peer's last message came by, if it is another."""
    return sa.arrival if sa.arrival != (sa.local, sa.remote) else None


def is_hopeless(sa: Association) -> bool:
    """Whether the search has lasted as long as unanswered retransmission does."""
    since = sa.mobility.probing_since
    return since is not None and sa.now - since >= patience(sa.ports.settings)


def attempt(sa: Association) -> tuple[list[Pair], float]:
    """The paths to be tried now, and the delay until the next attempt.

    Where there is no way out at all, time does not count: the host may have been carried away. For what is on
    its way out it does.
    """
    mobility = sa.mobility
    pairs = paths.candidates(sa, mobility.attempts)
    if not pairs:
        if mobility.attempts or mobility.probing_since != sa.now:
            sa.log(Group.IKE, f"no route found to reach {sa.remote}, path probing deferred", Level.DETAIL)
        if sa.state in LIVE:
            mobility.probing_since = sa.now
        return pairs, DEFERRED_S
    for local, remote in pairs:
        text = f"checking path {local.with_brackets()} - {remote.with_brackets()}"
        sa.log(Group.IKE, text, Level.DETAIL)
    delay = min(FIRST_DELAY_S * 2.0 ** min(mobility.attempts, 10), MAX_DELAY_S)
    mobility.attempts += 1
    return pairs, delay


def patience(settings: DaemonSettings) -> float:
    """Seconds from the first sending of a request until it counts as unanswered."""
    first, base, limit = settings.retransmit_timeout_s, settings.retransmit_base, settings.retransmit_limit_s
    delays = (first * base**n for n in range(settings.retransmit_tries + 1))
    return sum(min(delay, limit) if limit else delay for delay in delays)
