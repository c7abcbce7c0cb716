"""Whether a CHILD_SA that is there is what a connection asks for now."""

from dataclasses import replace

from cygnet.charon.jobs.installed import Installed, Known
from cygnet.keying.config.records import ChildConfig

_OWN_AFFAIRS = ("lifetime", "margin_s", "fuzz_percent", "start_action", "dpd_action", "close_action",
                "inactivity_s", "updown", "host_access", "replay_window")  # fmt: skip
"""What a configuration says that no peer hears of: changing it changes no CHILD_SA."""


def fits(known: Known, child: ChildConfig) -> bool:
    """Whether one made with the configuration that it had is what the present one asks for."""
    old = known.config
    return old is child or replace(old, **{name: getattr(child, name) for name in _OWN_AFFAIRS}) == child


def fitting(installed: Installed, child: ChildConfig) -> Known | None:
    """A CHILD_SA that is what the configuration says now."""
    return next((one for one in installed.named(child.name) if fits(one, child)), None)


def outdated(installed: Installed, child: ChildConfig) -> list[Known]:
    """Those that are not, once one that is has been made beside them."""
    there = installed.named(child.name)
    others = [one for one in there if not fits(one, child)]
    return others if len(others) < len(there) else []
