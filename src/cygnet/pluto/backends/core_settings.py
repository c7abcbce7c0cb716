"""The core's settings out of ``strongswan.conf``: rows that charon has too, and what is about IKEv1 alone."""

from dataclasses import fields

from cygnet.conf.settings import Settings
from cygnet.keying.config import settings as shared
from cygnet.pluto.config.settings import DaemonSettings

AGGRESSIVE_PSK = "charon.i_dont_care_about_security_and_use_aggressive_mode_psk"
CISCO_UNITY = "charon.cisco_unity"


def core_settings(tree: Settings, both: shared.DaemonSettings, ports: tuple[int, int]) -> DaemonSettings:
    """``charon``'s section speaks for both daemons; a limit of half-open SAs is never absent here."""
    names = {field.name for field in fields(DaemonSettings)}
    values = {
        field.name: getattr(both, field.name) for field in fields(both) if field.name in names
    }
    values["init_limit_half_open"] = both.init_limit_half_open or DaemonSettings().init_limit_half_open
    values["port"], values["port_nat_t"] = ports
    values["aggressive_psk"] = tree.get_bool(AGGRESSIVE_PSK, False)
    values["cisco_unity"] = tree.get_bool(CISCO_UNITY, False)
    return DaemonSettings(**values)
