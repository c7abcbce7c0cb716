"""Which backend a daemon gets: ``charon.kernel = auto|xfrm|userland``."""

from collections.abc import Callable

from cygnet.kernel.backends.probe import Capabilities, probe
from cygnet.kernel.backends.userland import EspdAccess, Log, UserlandKernel
from cygnet.kernel.port import Kernel, KernelError

CHOICES = ("auto", "xfrm", "userland")


def open_kernel(choice: str, access: EspdAccess, log: Log, ask: Callable[[], Capabilities] = probe) -> Kernel:
    """The backend of that name, not yet started; raises :class:`KernelError` saying what is missing."""
    if choice not in CHOICES:
        raise KernelError(f"charon.kernel = {choice}: not one of {', '.join(CHOICES)}")
    if choice == "xfrm":
        raise KernelError("charon.kernel = xfrm: this version has no XFRM backend, use userland")
    found = ask()
    if choice == "auto":
        why = "this version has no XFRM backend" if found.xfrm else found.reason
        log(1, f"kernel backend userland chosen: {why}")
    if not found.tun:
        raise KernelError("kernel backend userland needs /dev/net/tun: load the tun module or grant access")
    return UserlandKernel(access, log)
