"""Which sockets starter opens for the daemons, and which data plane they are for."""

import errno

from cygnet.conf.settings import Settings
from cygnet.runtime.network.inherited import IKE_PORT, NAT_T_PORT, SocketGroups, open_group


def wants_espd(settings: Settings) -> tuple[bool, str]:
    """Whether ESP is handled by espd (``charon.kernel``), and why."""
    choice = settings.get("charon.kernel", "auto")
    if choice != "auto":
        return choice == "userland", f"charon.kernel = {choice}"
    from cygnet.kernel.backends.probe import probe

    found = probe()
    return not found.xfrm, f"charon.kernel = auto: {found.reason or 'the kernel has XFRM'}"


def open_sockets(
    settings: Settings, *, with_espd: bool, daemons: tuple[str, ...] = ("charon",)
) -> tuple[SocketGroups, str]:
    """The groups that daemons inherit, and why there are none where they find their own sockets.

    Raises ``OSError`` where ``charon.socket = inherited`` and the ports cannot be had.
    """
    choice = settings.get("charon.socket", "auto")
    if choice not in ("auto", "inherited"):
        return SocketGroups({}), f"charon.socket = {choice}"
    ports = (settings.get_int("charon.port", IKE_PORT), settings.get_int("charon.port_nat_t", NAT_T_PORT))
    members = (*daemons, "espd") if with_espd else daemons
    try:
        return open_group(ports=ports, members=members), ""
    except OSError as error:
        if choice == "inherited":
            raise
        reason = "another program has it" if error.errno == errno.EADDRINUSE else error.strerror
        return SocketGroups({}), f"UDP port {ports[0]} or {ports[1]} cannot be opened: {reason}"
