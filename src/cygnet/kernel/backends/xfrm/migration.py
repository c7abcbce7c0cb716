"""Moving a CHILD_SA as a whole: XFRM_MSG_MIGRATE takes policies and their SAs along (RFC 4555, 3.5).

It cannot begin or end UDP encapsulation, does not look at marks, and is an option of the kernel
(CONFIG_XFRM_MIGRATE); then things are moved one by one. A few packets may get a sequence number that was used
already, and be dropped by the peer; initialisation vectors do not repeat, since the new SA draws its own.
"""

from contextlib import suppress
from dataclasses import replace

from cygnet.base.addresses import Address
from cygnet.kernel.backends.netlink import RefusedError, attribute
from cygnet.kernel.backends.xfrm.constants import DIRECTIONS, Attr, Kind
from cygnet.kernel.backends.xfrm.inspection import Parts
from cygnet.kernel.backends.xfrm.policies import key_attributes, templates
from cygnet.kernel.backends.xfrm.policy_layout import Migration, pack_policy_name
from cygnet.kernel.backends.xfrm.states import encapsulation_attribute, naming
from cygnet.kernel.backends.xfrm.table import Key, keys_of
from cygnet.kernel.port import Encapsulation, Mode, PolicyMove, PolicySpec, SaMove

_MODES = (Mode.TUNNEL, Mode.BEET)


def migrate_in_kernel(parts: Parts, sas: tuple[SaMove, ...], policies: tuple[PolicyMove, ...]) -> bool:
    """Whether the kernel has done it all; if not, nothing has changed."""
    if not (sas and policies and all(map(_is_possible, policies)) and _keeps_encapsulation(parts, sas)):
        return False
    done: list[PolicyMove] = []
    for move in policies:
        try:
            for key in keys_of(move.old):
                parts.netlink.ask(Kind.MIGRATE, migration_request(key, move, _ports(sas, move)))
        except RefusedError:
            _undo(parts, sas, done)
            return False
        done.append(move)
    for move in policies:
        parts.policies.migrated(move.old, move.new)
    for sa in sas:
        _follow(parts, sa)
    return True


def _follow(parts: Parts, sa: SaMove) -> None:
    """The kernel takes along only the SAs that it finds by the policies' old addresses."""
    try:
        parts.netlink.ask(Kind.GET_SA, naming(sa.new, parts.associations.known(sa.old)))
    except RefusedError:
        parts.associations.move(sa.old, sa.new, sa.encapsulation)
    else:
        parts.associations.renamed(sa.old, sa.new, sa.encapsulation)


def migration_request(key: Key, move: PolicyMove, ports: Encapsulation | None) -> bytes:
    """``struct xfrm_userpolicy_id``, a move for each template, the new ports."""
    found = templates(move.old, key.selector.version)
    ends = (*_ends(move.old), *_ends(move.new))
    moves = b"".join(Migration(*ends, one.protocol, one.mode, one.reqid).pack() for one in found)
    name = pack_policy_name(key.selector, DIRECTIONS[key.direction])
    return name + attribute(Attr.MIGRATE, moves) + encapsulation_attribute(ports) + key_attributes(key)


def _is_possible(move: PolicyMove) -> bool:
    """Whether only the outer addresses differ, of a policy that has them and no mark."""
    old, new = move.old, move.new
    outer = (old.outer_source, old.outer_destination, new.outer_source, new.outer_destination)
    same = replace(old, outer_source=new.outer_source, outer_destination=new.outer_destination) == new
    return same and None not in outer and old.mark is None and old.action in _MODES and not old.trap


def _keeps_encapsulation(parts: Parts, sas: tuple[SaMove, ...]) -> bool:
    for sa in sas:
        spec = parts.associations.known(sa.old)
        if spec is None or (spec.encapsulation is None) != (sa.encapsulation is None):
            return False
    return True


def _ports(sas: tuple[SaMove, ...], move: PolicyMove) -> Encapsulation | None:
    """The new ports of the SA that serves a policy."""
    ends = _ends(move.old)
    return next((sa.encapsulation for sa in sas if (sa.old.source, sa.old.destination) == ends), None)


def _ends(spec: PolicySpec) -> tuple[Address, Address]:
    assert spec.outer_source is not None and spec.outer_destination is not None, "_is_possible says so"
    return spec.outer_source, spec.outer_destination


def _undo(parts: Parts, sas: tuple[SaMove, ...], done: list[PolicyMove]) -> None:
    """Back to where they were."""
    for move in done:
        back = PolicyMove(move.new, move.old)
        for key in keys_of(move.old):
            with suppress(RefusedError):
                known = [sa for sa in sas if (sa.new.source, sa.new.destination) == _ends(move.new)]
                spec = parts.associations.known(known[0].old) if known else None
                ports = spec.encapsulation if spec is not None else None
                parts.netlink.ask(Kind.MIGRATE, migration_request(key, back, ports))
