"""Virtual addresses of this host: put on an interface and taken off, if ``install_virtual_ip`` wants it."""

from collections.abc import Callable
from typing import Protocol

from cygnet.base.addresses import Address
from cygnet.base.errors import LocalError
from cygnet.base.groups import Group
from cygnet.kernel.port import Kernel

Log = Callable[[Group, str], None]


class Settings(Protocol):
    """Whether, and on which interface."""

    @property
    def install_virtual_ip(self) -> bool:
        """No: somebody else sees to it."""

    @property
    def install_virtual_ip_on(self) -> str:
        """Empty: the data plane chooses."""


def install(kernel: Kernel, settings: Settings, address: Address, log: Log) -> bool:
    """Give this host an address; whether it has it."""
    if not settings.install_virtual_ip:
        return True
    log(Group.IKE, f"installing new virtual IP {address}")
    try:
        kernel.add_address(address, settings.install_virtual_ip_on)
    except LocalError as error:
        log(Group.KNL, f"installing virtual IP {address} failed: {error}")
        return False
    return True


def uninstall(kernel: Kernel, settings: Settings, address: Address, log: Log) -> None:
    """Take it back; what the kernel refuses to remove stays there."""
    if not settings.install_virtual_ip:
        return
    try:
        kernel.delete_address(address, settings.install_virtual_ip_on)
    except LocalError as error:
        log(Group.KNL, f"removing virtual IP {address} failed: {error}")
