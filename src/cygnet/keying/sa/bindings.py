"""The interface that a connection has for itself, and the interface ids of its SAs and policies."""

from ipaddress import ip_address

from cygnet.base.addresses import Address
from cygnet.kernel.port import Interface, InterfaceSpec, Kernel
from cygnet.keying.config.records import Binding, ChildConfig
from cygnet.keying.sa.marks import Marks

_ANY = ip_address("0.0.0.0")


def open_interface(
    kernel: Kernel, config: ChildConfig, local: Address | None, remote: Address | None
) -> Interface | None:
    """The connection's interface with one more user; ``None`` if it asks for none.

    Raises :class:`KernelError`. ``None`` for a host is any.
    """
    binding = config.binding
    if binding.interface is None:
        return None
    spec = InterfaceSpec(config.name, binding.interface, binding.name, local or _ANY, remote or _ANY)
    return kernel.open_interface(spec)


def if_ids(binding: Binding, interface: Interface | None) -> tuple[int, int]:
    """Of what comes in and of what goes out."""
    if interface is not None:
        return interface.if_id, interface.if_id
    return binding.if_id_in, binding.if_id_out


def marks_with(marks: Marks, interface: Interface | None) -> Marks:
    """The marks of a CHILD_SA, or those of its VTI, which has both directions marked."""
    if interface is None or interface.mark is None:
        return marks
    return Marks(interface.mark, interface.mark)
