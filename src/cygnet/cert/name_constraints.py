"""Name constraints of CA certificates (RFC 5280, 4.2.1.10), for general names of every kind.

For kinds whose constraints have no defined meaning (otherName, registeredID), a name of a kind that is
constrained is not permitted: the RFC lets us process the constraint or reject the certificate.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.x509.oid import NameOID

from cygnet.base import distinguished_names

MAX_COMPARISONS = 10_000


@dataclass(frozen=True, slots=True)
class NameConstraints:
    """Permitted and excluded subtrees. A kind of name that has none permitted is not limited."""

    permitted: tuple[x509.GeneralName, ...] = ()
    excluded: tuple[x509.GeneralName, ...] = ()

    @classmethod
    def of(cls, extension: x509.NameConstraints) -> "NameConstraints":
        """The constraints of the extension."""
        return cls(tuple(extension.permitted_subtrees or ()), tuple(extension.excluded_subtrees or ()))

    def too_many(self, names: Sequence[x509.GeneralName]) -> bool:
        """Whether comparing would take so long that nobody honest can want it.

        Names are compared before signatures are verified, so a peer could make us work for nothing.
        """
        return len(names) * (len(self.permitted) + len(self.excluded)) > MAX_COMPARISONS

    def offender(self, names: Iterable[x509.GeneralName]) -> x509.GeneralName | None:
        """The first name that is not allowed."""
        return next((name for name in names if not self._allows(name)), None)

    def _allows(self, name: x509.GeneralName) -> bool:
        permitted = [base for base in self.permitted if type(base) is type(name)]
        excluded = [base for base in self.excluded if type(base) is type(name)]
        within = _WITHIN.get(type(name))
        if within is None:
            return not permitted and not excluded
        if any(within(name, base) for base in excluded):
            return False
        return not permitted or any(within(name, base) for base in permitted)


def constrained_names(
    subject: x509.Name, alternatives: Iterable[x509.GeneralName]
) -> Iterator[x509.GeneralName]:
    """All names of a certificate that constraints are about.

    Its subject, unless empty, its alternative names, and mail addresses in the subject where the alternative
    names hold none (RFC 5280, 4.2.1.10).
    """
    found = tuple(alternatives)
    if len(subject):
        yield x509.DirectoryName(subject)
    yield from found
    if not any(isinstance(name, x509.RFC822Name) for name in found):
        for attribute in subject.get_attributes_for_oid(NameOID.EMAIL_ADDRESS):
            yield _mail_name(attribute.value)


def text_of(name: x509.GeneralName) -> str:
    """A general name for people."""
    if isinstance(name, x509.DirectoryName):
        return distinguished_names.to_text(name.value.public_bytes())
    if isinstance(name, x509.RegisteredID):
        return name.value.dotted_string
    if isinstance(name, x509.OtherName):
        return f"otherName {name.type_id.dotted_string}"
    return str(name.value)


def _mail_name(value: str | bytes) -> x509.RFC822Name:
    """What no mail address can be is none that any constraint permits."""
    text = value if isinstance(value, str) else value.decode("latin-1")
    try:
        return x509.RFC822Name(text.encode("ascii", "replace").decode())
    except ValueError:
        return x509.RFC822Name("unreadable@invalid")


def _directory_within(name: x509.DirectoryName, base: x509.DirectoryName) -> bool:
    """Whether a name's first attributes are those of ``base``."""
    whole = distinguished_names.parse_der(name.value.public_bytes())
    start = distinguished_names.parse_der(base.value.public_bytes())
    return len(whole) >= len(start) and all(
        one.oid == other.oid and one.folded() == other.folded()
        for one, other in zip(whole, start, strict=False)
    )


def _domain_within(name: x509.DNSName, base: x509.DNSName) -> bool:
    """The domain itself or one with more labels to its left."""
    return _host_within(name.value.lower(), base.value.lower())


def _host_within(domain: str, base: str) -> bool:
    return not base or domain == base or domain.endswith("." + base.removeprefix("."))


def _mail_within(name: x509.RFC822Name, base: x509.RFC822Name) -> bool:
    """One mailbox, all of a host, or all hosts below a domain that is written with a dot in front."""
    local, _, host = name.value.rpartition("@")
    limit_local, at, limit_host = base.value.rpartition("@")
    host, limit_host = host.lower(), limit_host.lower()
    if at:
        return local == limit_local and host == limit_host
    return host.endswith(limit_host) if limit_host.startswith(".") else host == limit_host or not limit_host


def _uri_within(name: x509.UniformResourceIdentifier, base: x509.UniformResourceIdentifier) -> bool:
    """A host, or all hosts below a domain that is written with a dot in front; never an address."""
    try:
        host = (urlsplit(name.value).hostname or "").lower()
    except ValueError:
        return False
    limit = base.value.lower()
    return host.endswith(limit) if limit.startswith(".") else host == limit


def _address_within(name: x509.IPAddress, base: x509.IPAddress) -> bool:
    return isinstance(base.value, (IPv4Network, IPv6Network)) and name.value in base.value


_WITHIN: dict[type[x509.GeneralName], Callable[..., bool]] = {
    x509.DNSName: _domain_within,
    x509.RFC822Name: _mail_within,
    x509.UniformResourceIdentifier: _uri_within,
    x509.DirectoryName: _directory_within,
    x509.IPAddress: _address_within,
}
