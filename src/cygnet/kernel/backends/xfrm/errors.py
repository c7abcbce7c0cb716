"""Refusals of the kernel as sentences: what is missing, and the next step."""

import errno
import os
from collections.abc import Callable

from cygnet.kernel.backends.netlink import RefusedError
from cygnet.kernel.backends.xfrm.algorithms import COMPRESSIONS, names
from cygnet.kernel.port import IpProtocol, KernelError, Mode, Offload, SaSpec

RIGHT = "not permitted: CAP_NET_ADMIN is missing in the user namespace that owns this network namespace"

TYPES = {
    (IpProtocol.ESP, 4): ("esp4", "CONFIG_INET_ESP"),
    (IpProtocol.ESP, 6): ("esp6", "CONFIG_INET6_ESP"),
    (IpProtocol.AH, 4): ("ah4", "CONFIG_INET_AH"),
    (IpProtocol.AH, 6): ("ah6", "CONFIG_INET6_AH"),
    (IpProtocol.IPCOMP, 4): ("ipcomp", "CONFIG_INET_IPCOMP"),
    (IpProtocol.IPCOMP, 6): ("ipcomp6", "CONFIG_INET6_IPCOMP"),
}
"""Module and configuration option of each protocol over each IP version."""

CIPHERS = {
    "cbc(aes)": ("cbc aes_generic", "CONFIG_CRYPTO_CBC and CONFIG_CRYPTO_AES"),
    "cbc(camellia)": ("cbc camellia_generic", "CONFIG_CRYPTO_CBC and CONFIG_CRYPTO_CAMELLIA"),
    "cbc(des)": ("cbc des_generic", "CONFIG_CRYPTO_CBC and CONFIG_CRYPTO_DES"),
    "cbc(des3_ede)": ("cbc des_generic", "CONFIG_CRYPTO_CBC and CONFIG_CRYPTO_DES"),
    "cmac(aes)": ("cmac", "CONFIG_CRYPTO_CMAC"),
    "ecb(cipher_null)": ("crypto_null", "CONFIG_CRYPTO_NULL"),
    "hmac(md5)": ("hmac md5", "CONFIG_CRYPTO_HMAC and CONFIG_CRYPTO_MD5"),
    "hmac(sha1)": ("hmac sha1_generic", "CONFIG_CRYPTO_HMAC and CONFIG_CRYPTO_SHA1"),
    "hmac(sha256)": ("hmac sha256_generic", "CONFIG_CRYPTO_HMAC and CONFIG_CRYPTO_SHA256"),
    "hmac(sha384)": ("hmac sha512_generic", "CONFIG_CRYPTO_HMAC and CONFIG_CRYPTO_SHA512"),
    "hmac(sha512)": ("hmac sha512_generic", "CONFIG_CRYPTO_HMAC and CONFIG_CRYPTO_SHA512"),
    "rfc3686(ctr(aes))": ("ctr", "CONFIG_CRYPTO_CTR"),
    "rfc4106(gcm(aes))": ("gcm seqiv", "CONFIG_CRYPTO_GCM and CONFIG_CRYPTO_SEQIV"),
    "rfc4309(ccm(aes))": ("ccm seqiv", "CONFIG_CRYPTO_CCM and CONFIG_CRYPTO_SEQIV"),
    "rfc4543(gcm(aes))": ("gcm seqiv", "CONFIG_CRYPTO_GCM and CONFIG_CRYPTO_SEQIV"),
    "rfc7539esp(chacha20,poly1305)": (
        "chacha20poly1305 seqiv", "CONFIG_CRYPTO_CHACHA20POLY1305 and CONFIG_CRYPTO_SEQIV",
    ),
    "xcbc(aes)": ("xcbc", "CONFIG_CRYPTO_XCBC"),
    "deflate": ("deflate", "CONFIG_CRYPTO_DEFLATE"),
}  # fmt: skip
"""Modules and configuration options of each algorithm of the kernel's crypto."""

_UNKNOWN_ALGORITHM = (errno.ENOSYS, errno.ENOENT)


def sa_error(refused: RefusedError, spec: SaSpec) -> KernelError:
    """Why an SA was not installed."""
    return KernelError(f"adding {sa_text(spec)} failed: {_sa_reason(refused, spec)}")


def policy_error(refused: RefusedError, what: str) -> KernelError:
    """Why a policy was not installed or removed."""
    reason = _POLICY_REASONS.get(refused.number) or said(refused)
    return KernelError(f"{what} failed: {reason}")


def other_error(refused: RefusedError, what: str) -> KernelError:
    """Why anything else was refused."""
    return KernelError(f"{what} failed: {RIGHT if refused.number == errno.EPERM else said(refused)}")


def socket_error(error: OSError) -> KernelError:
    """Why there is no netlink socket, or no answer from it."""
    if error.errno in (errno.EPROTONOSUPPORT, errno.EAFNOSUPPORT):
        text = "the kernel has no XFRM netlink: modprobe xfrm_user, or a kernel with CONFIG_XFRM_USER"
        return KernelError(text)
    if error.errno in (errno.EPERM, errno.EACCES):
        return KernelError(f"XFRM netlink: {RIGHT}")
    return KernelError(f"XFRM netlink: {error.strerror or error}")


def said(refused: RefusedError) -> str:
    """The error, and the kernel's own words about it."""
    return f"{os.strerror(refused.number)}{_words(refused)}"


def sa_text(spec: SaSpec) -> str:
    """``ESP SA c1234567 (192.0.2.1 to 192.0.2.2, tunnel mode, rfc4106(gcm(aes)))``."""
    way = f"{spec.id.source} to {spec.id.destination}"
    parts = ", ".join((way, f"{spec.mode.lower()} mode", *names(spec)))
    return f"{spec.id.protocol.name} SA {spec.id.spi:08x} ({parts})"


def _sa_reason(refused: RefusedError, spec: SaSpec) -> str:
    if refused.number in _UNKNOWN_ALGORITHM:
        return _algorithm_reason(refused, spec)
    reason = _SA_REASONS.get(refused.number)
    return said(refused) if reason is None else reason(spec, refused)


def _algorithm_reason(refused: RefusedError, spec: SaSpec) -> str:
    """The kernel tells a kind of algorithm at best, so all that may be meant are named."""
    wanted = list(names(spec))
    if spec.compression is not None:
        wanted.append(COMPRESSIONS.get(spec.compression.transform, ""))
    modules = " ".join(dict.fromkeys(CIPHERS[name][0] for name in wanted if name in CIPHERS))
    options = " and ".join(dict.fromkeys(CIPHERS[name][1] for name in wanted if name in CIPHERS))
    if len(wanted) > 1:
        modules, options = f"{modules} authenc echainiv", f"{options} and CONFIG_CRYPTO_AUTHENC"
    asked = " or ".join(wanted) or "an algorithm of this SA"
    return f"the kernel lacks {asked}{_words(refused)}: modprobe {modules}, or a kernel with {options}"


def _no_type(spec: SaSpec, refused: RefusedError) -> str:
    """EPROTONOSUPPORT: no module for the protocol, or none for the mode."""
    version = spec.id.destination.version
    protocols = [spec.id.protocol] + ([IpProtocol.IPCOMP] if spec.compression else [])
    modules = " ".join(TYPES[protocol, version][0] for protocol in protocols)
    options = " and ".join(TYPES[protocol, version][1] for protocol in protocols)
    wanted = " or ".join(protocol.name for protocol in protocols)
    text = f"the kernel has no {wanted} over IPv{version}{_words(refused)}"
    extra = ", for mode IPTFS also CONFIG_XFRM_IPTFS (Linux 6.14)" if spec.mode is Mode.IPTFS else ""
    return f"{text}: modprobe {modules}, or a kernel with {options}{extra}"


def _not_supported(spec: SaSpec, refused: RefusedError) -> str:
    """EOPNOTSUPP and EINVAL: an option of the kernel, or something in the request, depending on its age."""
    words = _words(refused)
    if spec.encapsulation is not None and spec.encapsulation.tcp:
        return f"the kernel cannot put ESP into TCP{words}: it needs CONFIG_INET_ESPINTCP"
    if spec.mode is Mode.IPTFS and refused.words in ("", "Unsupported mode"):
        return f"the kernel does not know mode IPTFS{words}: Linux 6.14 with CONFIG_XFRM_IPTFS does"
    if spec.offload is not Offload.NO:
        module = f"esp{spec.id.destination.version}_offload"
        return f"hw_offload={spec.offload} is refused{words}: modprobe {module}; and the card has to do it"
    return said(refused)


def _words(refused: RefusedError) -> str:
    return f" ({refused.words})" if refused.words else ""


_SA_REASONS: dict[int, Callable[[SaSpec, RefusedError], str]] = {
    errno.EPERM: lambda spec, refused: RIGHT,
    errno.EPROTONOSUPPORT: _no_type,
    errno.EAFNOSUPPORT: lambda spec, refused: (
        f"the kernel has no IPsec over IPv{spec.id.destination.version}: is it disabled?"
    ),
    errno.EOPNOTSUPP: _not_supported,
    errno.EINVAL: _not_supported,
    errno.EEXIST: lambda spec, refused: (
        "an SA with this SPI and destination exists already, and it is not ours (ip xfrm state)"
    ),
}

_POLICY_REASONS = {
    errno.EPERM: RIGHT,
    errno.EEXIST: (
        "somebody else's policy has the same selectors, direction and mark (ip xfrm policy); "
        "remove it, or give one of them another mark"
    ),
}
