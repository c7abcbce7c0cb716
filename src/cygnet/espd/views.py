"""What espd holds, for people and for whoever compares: records of the control socket, lines of text."""

from cygnet.esp.associations import InboundSa, OutboundSa
from cygnet.esp.policies import order_of
from cygnet.espd import translate
from cygnet.kernel.backends.userland_wire import SaStatus
from cygnet.kernel.port import DropCount, Mode, PolicySpec, SaSpec, Usage

_SHUNTS = {Mode.PASS: "allow", Mode.DROP: "block"}


def usage(sa: InboundSa | OutboundSa, now: float) -> Usage:
    """What an SA has carried and dropped."""
    meter = sa.meter
    drops = tuple(DropCount(reason.value, packets) for reason, packets in meter.drops.items())
    idle = None if meter.last_used is None else now - meter.last_used
    return Usage(meter.octets, meter.packets, idle, drops)


def sa_status(spec: SaSpec, owner: str, sa: InboundSa | OutboundSa, now: float) -> SaStatus:
    """One SA."""
    return SaStatus(
        spec.id, owner, spec.inbound, spec.reqid, spec.mode, spec.encapsulation, spec.mark, usage(sa, now)
    )


def policy_text(spec: PolicySpec) -> str:
    """``out 10.1.0.0/16 === 10.2.0.0/16, priority 375423: esp reqid 1 tunnel 192.0.2.1 to 192.0.2.2``."""
    policy = translate.policy(spec, "")
    mark = f", mark 0x{spec.mark.value:x}/0x{spec.mark.mask:x}" if spec.mark else ""
    what = _SHUNTS.get(spec.action, "")
    if not what:
        ends = f" {spec.outer_source or '%any'} to {spec.outer_destination or '%any'}"
        trap = ", asks for an SA" if spec.trap else ""
        ends = "" if spec.action is Mode.TRANSPORT else ends
        what = f"esp reqid {spec.reqid} {spec.action.lower()}{ends}{trap}"
    selectors = f"{spec.source} === {spec.destination}"
    return f"{spec.direction} {selectors}, priority {order_of(policy)}{mark}: {what}"
