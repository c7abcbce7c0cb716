"""Other hosts or ports for an IKE_SA, and its CHILD_SAs after it (RFC 7296, 2.23; RFC 4555, 3.5)."""

from cygnet.base.addresses import Host
from cygnet.base.errors import LocalError
from cygnet.base.groups import Group, Level
from cygnet.charon.sa.association import Association
from cygnet.charon.sa.rekey_scope import is_outdated
from cygnet.charon.sa.tasks.child_rekey import ChildRekey
from cygnet.crypto.key_log import tell_moves
from cygnet.keying.sa.child_sa import ChildSa
from cygnet.keying.sa.child_states import ChildState


def follow(sa: Association, local: Host, remote: Host) -> None:
    """The hosts or ports are others now; the CHILD_SAs go with them at once."""
    _change(sa, local, remote)
    settle(sa)


def go_ahead(sa: Association, local: Host, remote: Host) -> None:
    """The IKE_SA has other hosts; the CHILD_SAs stay where they are until :func:`settle`.

    So nobody's traffic is led to a host that does not want it (RFC 4555, 3.7, 5.3).
    """
    sa.mobility.verified = sa.path
    _change(sa, local, remote)


def settle(sa: Association) -> None:
    """The IKE_SA's path is a good one: the CHILD_SAs go there."""
    sa.mobility.verified = None
    for child in tuple(sa.children.values()):
        try:
            before = child.names
            child.move(sa.ports.kernel, sa.path)
            tell_moves(sa.ports.key_log, before, child.names)
        except LocalError as error:
            sa.log(Group.KNL, f"moving CHILD_SA {child} to {sa.remote} failed, it is rekeyed: {error}")
            _rekey(sa, child)
        else:
            if sa.mobility.leads and is_outdated(sa, child):
                sa.log(Group.IKE, f"rekeying CHILD_SA {child}, whose selectors have an old address")
                _rekey(sa, child)


def go_back(sa: Association) -> None:
    """Where the IKE_SA went is not to be used: it is again where its CHILD_SAs are."""
    path, sa.mobility.verified = sa.mobility.verified, None
    if path is not None:
        _change(sa, path.local, path.remote)


def _change(sa: Association, local: Host, remote: Host) -> None:
    if (local, remote) == (sa.local, sa.remote):
        return
    if remote != sa.remote:
        text = f"peer moved from {sa.remote.with_brackets()} to {remote.with_brackets()}"
    else:
        text = f"local address changed from {sa.local.with_brackets()} to {local.with_brackets()}"
    sa.log(Group.IKE, text, Level.CONTROL if sa.peer.mobike else Level.DETAIL)
    sa.local, sa.remote = local, remote
    sa.mobility.changes += 1


def _rekey(sa: Association, child: ChildSa) -> None:
    if child.state is ChildState.INSTALLED:
        task = ChildRekey(sa, child)
        task.after_move = True
        sa.wanted.append(task)
