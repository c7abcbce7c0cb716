"""Numbers of the XFRM netlink interface (uapi ``linux/xfrm.h``, ``linux/udp.h``)."""

import socket
from enum import IntEnum

from cygnet.kernel.port import Direction, Mode

NETLINK_XFRM = 6
FAMILIES = {4: int(socket.AF_INET), 6: int(socket.AF_INET6)}
VERSIONS = {family: version for version, family in FAMILIES.items()}
INFINITE = 0xFFFFFFFFFFFFFFFF


class Kind(IntEnum):
    """Message types."""

    NEW_SA = 0x10
    DELETE_SA = 0x11
    GET_SA = 0x12
    NEW_POLICY = 0x13
    DELETE_POLICY = 0x14
    GET_POLICY = 0x15
    ALLOCATE_SPI = 0x16
    ACQUIRE = 0x17
    EXPIRE = 0x18
    UPDATE_POLICY = 0x19
    UPDATE_SA = 0x1A
    MIGRATE = 0x21
    MAPPING = 0x26


class Attr(IntEnum):
    """Attribute types. From SA_DIR on they are younger than Linux 6.1; older kernels skip them."""

    ALG_CRYPT = 2
    ALG_COMP = 3
    ENCAP = 4
    TMPL = 5
    SA = 6
    POLICY = 7
    LTIME_VAL = 9
    LASTUSED = 15
    MIGRATE = 17
    ALG_AEAD = 18
    KMADDRESS = 19
    ALG_AUTH_TRUNC = 20
    MARK = 21
    TFCPAD = 22
    REPLAY_ESN_VAL = 23
    SA_EXTRA_FLAGS = 24
    PAD = 27
    OFFLOAD_DEV = 28
    SET_MARK = 29
    SET_MARK_MASK = 30
    IF_ID = 31
    SA_DIR = 33
    SA_PCPU = 35
    IPTFS_DROP_TIME = 36
    IPTFS_REORDER_WINDOW = 37
    IPTFS_DONT_FRAG = 38
    IPTFS_INIT_DELAY = 39
    IPTFS_MAX_QSIZE = 40
    IPTFS_PKT_SIZE = 41


class Group(IntEnum):
    """Multicast groups, as bits of ``nl_groups``."""

    ACQUIRE = 1 << 0
    EXPIRE = 1 << 1
    SA = 1 << 2
    MIGRATE = 1 << 6
    MAPPING = 1 << 7


class StateFlag(IntEnum):
    """Flags of ``struct xfrm_usersa_info``."""

    NO_ECN = 1
    DECAP_DSCP = 2
    NO_PMTU_DISCOVERY = 4
    AF_UNSPEC = 32
    ALIGN4 = 64
    ESN = 128


DONT_ENCAP_DSCP = 1
"""The one XFRMA_SA_EXTRA_FLAGS bit that we use."""
CPU_ACQUIRE = 4
"""XFRM_POLICY_CPU_ACQUIRE: acquires name the CPU (RFC 9611)."""
ENCAP_UDP, ENCAP_TCP = 2, 7
"""UDP_ENCAP_ESPINUDP and TCP_ENCAP_ESPINTCP."""
OFFLOAD_INBOUND, OFFLOAD_PACKET = 2, 4
SA_IN, SA_OUT = 1, 2
ALLOW, BLOCK = 0, 1

MODES = {Mode.TRANSPORT: 0, Mode.TUNNEL: 1, Mode.BEET: 4, Mode.IPTFS: 5}
DIRECTIONS = {Direction.IN: 0, Direction.OUT: 1, Direction.FORWARD: 2}
DIRECTIONS_BACK = {number: direction for direction, number in DIRECTIONS.items()}
