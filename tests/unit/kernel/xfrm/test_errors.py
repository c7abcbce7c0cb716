"""Refusals as sentences."""

import errno
from dataclasses import replace
from ipaddress import ip_address

import pytest

from cygnet.base.secret import Secret
from cygnet.crypto import tables
from cygnet.kernel.backends.netlink import RefusedError
from cygnet.kernel.backends.xfrm.errors import CIPHERS, other_error, policy_error, sa_error, socket_error
from cygnet.kernel.port import (
    Algorithm,
    Compression,
    Encapsulation,
    IpProtocol,
    KernelError,
    Mode,
    Offload,
    SaId,
    SaSpec,
)

CBC, SHA256 = Algorithm(12, 128, Secret(bytes(16))), Algorithm(12, 0, Secret(bytes(32)))
SPEC = SaSpec(
    SaId(ip_address("192.0.2.1"), ip_address("192.0.2.2"), IpProtocol.ESP, 0xC1234567),
    1, Mode.TUNNEL, False, CBC, SHA256,
)  # fmt: skip
SIX = SaId(ip_address("2001:db8::1"), ip_address("2001:db8::2"), IpProtocol.AH, 1)


@pytest.mark.parametrize(
    ("number", "words", "spec", "expected"),
    [
        (errno.EPERM, "", SPEC, "CAP_NET_ADMIN"),
        (
            errno.ENOSYS,
            "Requested AUTH algorithm not found",
            SPEC,
            "AUTH algorithm not found): modprobe cbc aes_generic hmac",
        ),
        (
            errno.ENOENT,
            "",
            SPEC,
            "cbc(aes) or hmac(sha256): modprobe .*authenc echainiv.*CONFIG_CRYPTO_AUTHENC",
        ),
        (
            errno.EPROTONOSUPPORT,
            "",
            SPEC,
            "no ESP over IPv4: modprobe esp4, or a kernel with CONFIG_INET_ESP",
        ),
        (
            errno.EPROTONOSUPPORT,
            "",
            replace(SPEC, id=SIX),
            "no AH over IPv6: modprobe ah6, or a kernel with CONFIG_INET6_AH",
        ),
        (
            errno.EPROTONOSUPPORT,
            "",
            replace(SPEC, compression=Compression(2, 1)),
            "ESP or IPCOMP .*esp4 ipcomp",
        ),
        (errno.EPROTONOSUPPORT, "", replace(SPEC, mode=Mode.IPTFS), "CONFIG_XFRM_IPTFS"),
        (errno.EINVAL, "", replace(SPEC, mode=Mode.IPTFS), "Linux 6.14"),
        (errno.EINVAL, "Unsupported mode", replace(SPEC, mode=Mode.IPTFS), "(Unsupported mode): Linux 6.14"),
        (
            errno.EINVAL,
            "Type doesn't support offload",
            replace(SPEC, offload=Offload.AUTO),
            "modprobe esp4_offload",
        ),
        (errno.EINVAL, "Invalid mode", SPEC, "Invalid argument .Invalid mode"),
        (errno.EAFNOSUPPORT, "", replace(SPEC, id=SIX), "no IPsec over IPv6"),
        (
            errno.EOPNOTSUPP,
            "",
            replace(SPEC, encapsulation=Encapsulation(1, 2, tcp=True)),
            "CONFIG_INET_ESPINTCP",
        ),
        (errno.EOPNOTSUPP, "", replace(SPEC, offload=Offload.CRYPTO), "hw_offload=crypto"),
        (errno.EOPNOTSUPP, "", SPEC, "not supported"),
        (errno.EEXIST, "", SPEC, "exists already"),
        (errno.ENOMEM, "", SPEC, "allocate memory"),
    ],
)
def test_sa_refusal_names_what_is_missing(number, words, spec, expected):
    error = sa_error(RefusedError(number, words), spec)
    assert isinstance(error, KernelError)
    with pytest.raises(KernelError, match=expected.replace("(", r"\(").replace(")", r"\)")):
        raise error


def test_refusal_says_which_sa_it_was_and_no_key():
    text = str(sa_error(RefusedError(errno.EPERM), SPEC))
    assert "ESP SA c1234567 (192.0.2.1 to 192.0.2.2, tunnel mode, cbc(aes), hmac(sha256))" in text
    assert "0000000000000000" not in text


def test_every_algorithm_of_the_tables_has_its_modules():
    rows = [*tables.ENCRYPTION, *tables.INTEGRITY]
    assert {row.kernel for row in rows if row.kernel} <= set(CIPHERS)


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.EPERM, "CAP_NET_ADMIN"),
        (errno.EEXIST, "somebody else's policy"),
        (errno.EINVAL, "Invalid argument"),
    ],
)
def test_policy_refusals(number, expected):
    assert expected in str(policy_error(RefusedError(number), "adding policy"))


def test_other_refusals():
    assert "CAP_NET_ADMIN" in str(other_error(RefusedError(errno.EPERM), "asking"))
    assert "asking failed: No such process" in str(other_error(RefusedError(errno.ESRCH), "asking"))


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.EPROTONOSUPPORT, "modprobe xfrm_user"),
        (errno.EPERM, "CAP_NET_ADMIN"),
        (errno.EMFILE, "Too many open"),
    ],
)
def test_missing_sockets(number, expected):
    assert expected in str(socket_error(OSError(number, "Too many open files")))
