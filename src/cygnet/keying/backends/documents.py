"""What the list commands show besides certificates: each knows its lines."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from cygnet.cert.attribute_certificates import AttributeCertificate
from cygnet.cert.crl import Crl
from cygnet.cert.ocsp import OcspResponse
from cygnet.cert.printing_lists import attribute_lines, crl_lines, ocsp_lines


@dataclass(frozen=True, slots=True)
class Document:
    """One object; ``write`` takes POSIX seconds and whether dates are in UTC."""

    write: Callable[[float, bool], list[str]]

    def lines(self, now: float, utc: bool) -> Sequence[str]:
        """One field a line."""
        return self.write(now, utc)


def documents(
    kind: str,
    attributes: Sequence[AttributeCertificate],
    crls: Sequence[Crl],
    responses: Sequence[OcspResponse],
) -> Sequence[Document]:
    """``acerts``, ``groups``, ``crls`` or ``ocsp``; none of any other kind."""
    if kind == "crls":
        return [Document(partial(crl_lines, one)) for one in crls]
    if kind == "ocsp":
        return [Document(partial(ocsp_lines, one)) for one in responses]
    if kind == "acerts":
        return [Document(partial(attribute_lines, one)) for one in attributes]
    if kind == "groups":
        groups = dict.fromkeys(group for one in attributes for group in one.fields.groups)
        return [Document(_constant(group)) for group in groups]
    return []


def _constant(group: str) -> Callable[[float, bool], list[str]]:
    return lambda now, utc: [group]
