"""The lines of ``listcerts`` for what a CA may and what a certificate is for: constraints and policies."""

from collections.abc import Iterator

from cryptography import x509

from cygnet.base import distinguished_names
from cygnet.cert.extensions import Extensions
from cygnet.cert.name_constraints import text_of

FAR, NEAR = 11 * " ", 9 * " "


def constraint_lines(extensions: Extensions) -> Iterator[str]:
    """Path length, name constraints, policies and address blocks, each if there is one."""
    if extensions.path_length is not None:
        yield f"pathlen:   {extensions.path_length}"
    constraints = extensions.name_constraints
    if constraints is not None:
        for word, names in (("permitted", constraints.permitted), ("excluded", constraints.excluded)):
            if names:
                yield f"{word} nameConstraints:"
                yield from (f"{NEAR}{text_of(name)}" for name in names)


def policy_lines(certificate: x509.Certificate, extensions: Extensions) -> Iterator[str]:
    """Policies with their qualifiers, mappings and constraints."""
    found = next(
        (one.value for one in certificate.extensions if isinstance(one.value, x509.CertificatePolicies)), None
    )
    if found is not None:
        yield "certificatePolicies:"
        for policy in found:
            yield f"{FAR}{policy.policy_identifier.dotted_string}"
            for qualifier in policy.policy_qualifiers or ():
                text = _qualifier(qualifier)
                if text:
                    yield FAR + text
    policy_part = extensions.policy
    if policy_part.mappings:
        yield "policyMappings:"
        yield from (f"{NEAR}{issuer} => {subject}" for issuer, subject in policy_part.mappings)
    limits = (
        ("requireExplicitPolicy", policy_part.require_explicit),
        ("inhibitPolicyMapping", policy_part.inhibit_mapping),
        ("inhibitAnyPolicy", policy_part.inhibit_any),
    )
    if any(value is not None for _, value in limits):
        yield "policyConstraints:"
        yield from (f"{NEAR}{name}: {value}" for name, value in limits if value is not None)
    if extensions.addresses is not None:
        yield f"addresses: {extensions.addresses}"


def distribution_lines(label: str, extensions: Extensions, fresh: bool = False) -> Iterator[str]:
    """CRL URIs, with the CRL's issuer where it is another."""
    points = extensions.freshest if fresh else extensions.distribution_points
    number = 0
    for point in points:
        other = ""
        if point.crl_issuer is not None:
            other = f" (CRL issuer: {distinguished_names.to_text(point.crl_issuer.data)})"
        for uri in point.uris:
            yield f"{'' if number else label:<11}{uri}{other}"
            number += 1


def _qualifier(qualifier: str | x509.UserNotice) -> str:
    if isinstance(qualifier, str):
        return f"CPS: {qualifier}"
    return f"Notice: {qualifier.explicit_text}" if qualifier.explicit_text else ""
