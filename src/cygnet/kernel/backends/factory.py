"""Which backend a daemon gets: ``charon.kernel = auto|xfrm|userland``."""

from collections.abc import Callable

from cygnet.kernel.backends.probe import Capabilities, probe
from cygnet.kernel.backends.userland import EspdAccess, Log, UserlandKernel
from cygnet.kernel.backends.xfrm.settings import XfrmSettings
from cygnet.kernel.port import Kernel, KernelError

CHOICES = ("auto", "xfrm", "userland")


def choose(choice: str, log: Log, ask: Callable[[], Capabilities] = probe) -> str:
    """``xfrm`` or ``userland``; raises :class:`KernelError` saying what is missing."""
    if choice not in CHOICES:
        raise KernelError(f"charon.kernel = {choice}: not one of {', '.join(CHOICES)}")
    if choice == "xfrm":
        return choice
    found = ask()
    if choice == "auto" and found.xfrm:
        log(1, "kernel backend xfrm chosen: the kernel has IPsec")
        return "xfrm"
    if choice == "auto":
        log(1, f"kernel backend userland chosen: {found.reason}")
    if not found.tun:
        raise KernelError("kernel backend userland needs /dev/net/tun: load the tun module or grant access")
    return "userland"


def open_kernel(chosen: str, access: EspdAccess, settings: XfrmSettings, log: Log) -> Kernel:
    """The backend that :func:`choose` named, not yet started."""
    if chosen == "xfrm":
        from cygnet.kernel.backends.xfrm.kernel import XfrmKernel

        return XfrmKernel(settings, log)
    return UserlandKernel(access, log)
