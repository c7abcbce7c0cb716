"""The tasks; the order of ``TASKS`` is that within a message and of opening exchanges."""

from cygnet.charon.sa.tasks.address_update import AddressUpdate
from cygnet.charon.sa.tasks.auth_lifetime import AuthLifetime
from cygnet.charon.sa.tasks.auth_methods import AuthMethods
from cygnet.charon.sa.tasks.cert_pre import CertPre
from cygnet.charon.sa.tasks.child_create import ChildCreate
from cygnet.charon.sa.tasks.child_delete import ChildDelete
from cygnet.charon.sa.tasks.child_rekey import ChildRekey
from cygnet.charon.sa.tasks.childless import Childless
from cygnet.charon.sa.tasks.dpd import Dpd
from cygnet.charon.sa.tasks.follow_up import FollowUp
from cygnet.charon.sa.tasks.ike_auth import IkeAuth
from cygnet.charon.sa.tasks.ike_config import IkeConfig
from cygnet.charon.sa.tasks.ike_delete import IkeDelete
from cygnet.charon.sa.tasks.ike_init import IkeInit
from cygnet.charon.sa.tasks.ike_intermediate import IkeIntermediate
from cygnet.charon.sa.tasks.ike_rekey import IkeRekey
from cygnet.charon.sa.tasks.mobike import Mobike
from cygnet.charon.sa.tasks.multiple_auth import MultipleAuth
from cygnet.charon.sa.tasks.nat_detection import NatDetection
from cygnet.charon.sa.tasks.path_probe import PathProbe
from cygnet.charon.sa.tasks.peer_notify import PeerNotify
from cygnet.charon.sa.tasks.routability import RoutabilityCheck
from cygnet.charon.sa.tasks.task import Task
from cygnet.charon.sa.tasks.use_ppk import UsePpk

TASKS: tuple[type[Task], ...] = (
    IkeInit,
    NatDetection,
    CertPre,
    IkeIntermediate,
    MultipleAuth,
    UsePpk,
    AuthMethods,
    IkeAuth,
    Mobike,
    PathProbe,
    AddressUpdate,
    RoutabilityCheck,
    AuthLifetime,
    IkeDelete,
    IkeConfig,
    ChildDelete,
    ChildCreate,
    Childless,
    ChildRekey,
    IkeRekey,
    FollowUp,
    PeerNotify,
    Dpd,
)

BEGINNING: tuple[type[Task], ...] = (
    IkeInit, NatDetection, CertPre, IkeIntermediate, MultipleAuth, UsePpk, AuthMethods,
)  # fmt: skip
"""Those that come before IKE_AUTH, and anew when an IKE_SA is begun again."""

__all__ = ["BEGINNING", "TASKS", "Task"]
