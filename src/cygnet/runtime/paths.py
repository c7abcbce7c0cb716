"""Where configuration and run-time files are (``CYGNET_CONFDIR``, ``CYGNET_RUNDIR``).

Read from the environment at each call, so that tests and several instances can differ. Imports nothing
that would slow down a control command.
"""

import os
from pathlib import Path

CONFDIR_VARIABLE = "CYGNET_CONFDIR"
RUNDIR_VARIABLE = "CYGNET_RUNDIR"


def confdir() -> Path:
    """The directory of ``ipsec.conf`` and its like; ``/etc`` unless moved."""
    return Path(os.environ.get(CONFDIR_VARIABLE) or "/etc")


def rundir() -> Path:
    """The directory of PID files and control sockets; ``/run`` unless moved."""
    return Path(os.environ.get(RUNDIR_VARIABLE) or "/run")


def ipsec_conf() -> Path:
    """Connections: ``ipsec.conf``."""
    return confdir() / "ipsec.conf"


def ipsec_secrets() -> Path:
    """Shared secrets and private keys: ``ipsec.secrets``."""
    return confdir() / "ipsec.secrets"


def ipsec_d() -> Path:
    """Certificates, keys and CRLs: ``ipsec.d``."""
    return confdir() / "ipsec.d"


def strongswan_conf() -> Path:
    """The daemons' own settings: ``strongswan.conf``."""
    return confdir() / "strongswan.conf"


def starter_pid() -> Path:
    """PID file of starter."""
    return rundir() / "starter.pid"


def charon_pid() -> Path:
    """PID file of charon."""
    return rundir() / "charon.pid"


def pluto_pid() -> Path:
    """PID file of pluto."""
    return rundir() / "pluto.pid"


def espd_pid() -> Path:
    """PID file of espd."""
    return rundir() / "espd.pid"


def charon_ctl() -> Path:
    """Control socket of charon (stroke messages)."""
    return rundir() / "charon.ctl"


def charon_xfrm() -> Path:
    """Whose charon's entries in the kernel are, across its restarts."""
    return rundir() / "charon.xfrm"


def pluto_xfrm() -> Path:
    """What pluto has installed in the kernel's IPsec, for its next run."""
    return rundir() / "pluto.xfrm"


def pluto_ctl() -> Path:
    """Control socket of pluto (whack messages)."""
    return rundir() / "pluto.ctl"


def leases_lock() -> Path:
    """Which virtual addresses each daemon holds for peers, as locks of its octets."""
    return rundir() / "ipsec.leases"


def espd_socket() -> Path:
    """Control socket of espd (kernel port messages)."""
    return rundir() / "espd.sock"
