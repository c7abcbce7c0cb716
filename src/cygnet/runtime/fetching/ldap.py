"""LDAP URIs (RFC 4516) by the package ``ldap3``, which is optional."""

from importlib import import_module
from typing import Any

from cygnet.cert.revocation import FetchError
from cygnet.runtime.fetching.request import Deadline, Request

SCHEMES = ("ldap", "ldaps")
DEFAULT_ATTRIBUTE = "certificateRevocationList"


def fetch(request: Request, deadline: Deadline) -> bytes:
    """The first value of the first attribute of the first entry; raises :class:`FetchError`."""
    try:
        ldap3 = import_module("ldap3")
        exceptions = import_module("ldap3.core.exceptions")
    except ImportError:
        raise FetchError("LDAP needs the package ldap3 (pip install 'cygnet[ldap]')") from None
    query = parse(request.uri)
    try:
        return _search(ldap3, query, request.max_octets, deadline)
    except exceptions.LDAPException as error:
        raise FetchError(f"LDAP: {str(error)[:120] or type(error).__name__}") from None
    except TimeoutError:
        raise deadline.passed() from None
    except (OSError, ValueError) as error:
        raise FetchError(f"LDAP: {str(error)[:120]}") from None


def parse(uri: str) -> dict[str, Any]:
    """Host, port, base, attributes, scope and filter of an LDAP URI; raises :class:`FetchError`."""
    read = import_module("ldap3.utils.uri").parse_uri
    try:
        found: dict[str, Any] | None = read(uri)
    except Exception as error:  # ldap3 raises whatever its splitting runs into
        raise FetchError(f"not an LDAP URI: {type(error).__name__}") from None
    if not found or not found.get("host"):
        raise FetchError("an LDAP URI needs a host, a base and an attribute")
    return found


def _search(ldap3: Any, query: dict[str, Any], limit: int, deadline: Deadline) -> bytes:
    server = ldap3.Server(
        query["host"], query["port"] or None, bool(query["ssl"]), get_info=ldap3.NONE,
        connect_timeout=deadline.left(),
    )  # fmt: skip
    attributes = list(query["attributes"] or [f"{DEFAULT_ATTRIBUTE};binary"])
    connection = ldap3.Connection(
        server, read_only=True, receive_timeout=max(1, int(deadline.left())), raise_exceptions=True
    )
    try:
        connection.bind()
        connection.search(
            query["base"] or "", query["filter"] or "(objectClass=*)",
            query["scope"] or ldap3.BASE, attributes=attributes, size_limit=1,
            time_limit=max(1, int(deadline.left())),
        )  # fmt: skip
        values = [value for entry in connection.response or () for value in _values(entry, attributes)]
    finally:
        connection.unbind()
    if not values:
        raise FetchError("the directory has no such attribute")
    if len(values[0]) > limit:
        raise FetchError(f"the answer is longer than {limit} octets")
    return values[0]


def _values(entry: dict[str, Any], attributes: list[str]) -> list[bytes]:
    """The raw values of the attributes asked for, with or without ``;binary``."""
    raw = {name.lower(): found for name, found in (entry.get("raw_attributes") or {}).items()}
    wanted = [name.lower() for name in attributes]
    names = [*wanted, *(name.partition(";")[0] for name in wanted), *(f"{name};binary" for name in wanted)]
    return [bytes(value) for name in names for value in raw.get(name, ())]
