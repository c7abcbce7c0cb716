"""XAUTH: a user proves himself after phase 1 (draft-beaulieu-ike-xauth-02, 3 to 6).

::

    S -> C  { HASH, ATTR(REQUEST: name, password) }
    S <- C  { HASH, ATTR(REPLY: name, password) }
    S -> C  { HASH, ATTR(SET: status) }
    S <- C  { HASH, ATTR(ACK) }
"""

from cygnet.base.groups import Group
from cygnet.base.secret import Secret
from cygnet.pluto.encoding.attributes import Attribute
from cygnet.pluto.encoding.errors import AuthenticationFailedError
from cygnet.pluto.encoding.payloads import AttributeType, Configuration, ConfigurationType
from cygnet.pluto.sa import establish
from cygnet.pluto.sa.errors import NoPrivateKeyError
from cygnet.pluto.sa.phase1 import needed
from cygnet.pluto.sa.transitions import Reply, Step

NAME, PASSWORD, STATUS = (
    AttributeType.XAUTH_USER_NAME, AttributeType.XAUTH_USER_PASSWORD, AttributeType.XAUTH_STATUS
)  # fmt: skip
OK, FAIL = 1, 0
MAX_NAME_OCTETS = 256


def ask(step: Step) -> Reply:
    """Ask for name and password."""
    identifier = int.from_bytes(step.sa.ports.rng(2), "big")
    return (Configuration(ConfigurationType.REQUEST, (Attribute(NAME), Attribute(PASSWORD)), identifier),)


def answer(step: Step) -> Reply:
    """Give name and password; raises ``LocalError`` if we have none."""
    sa, asked = step.sa, needed(step.message, Configuration)
    found = sa.ports.users.credentials(sa.peer_config, sa.remote_id)
    if found is None:
        raise NoPrivateKeyError(f"no XAuth user or password found for '{sa.remote_id}'")
    user, password = found
    kinds = {one.type for one in asked.attributes}
    answers = [Attribute(NAME, user.encode())]
    if PASSWORD in kinds or AttributeType.XAUTH_PASSCODE not in kinds:
        answers.append(Attribute(PASSWORD, password.reveal()))
    else:
        answers.append(Attribute(AttributeType.XAUTH_PASSCODE, password.reveal()))
    return (Configuration(ConfigurationType.REPLY, tuple(answers), asked.identifier),)


def check(step: Step) -> Reply:
    """Is this the user's password? The client learns it from the status."""
    sa, given = step.sa, needed(step.message, Configuration)
    name, password = (given.first(kind) for kind in (NAME, PASSWORD))
    user = name.value[:MAX_NAME_OCTETS].decode("utf-8", "replace").rstrip("\0") if name else ""
    wanted = sa.peer_config.xauth.user if sa.peer_config.xauth else ""
    good = bool(user) and user.isprintable() and password is not None and wanted in ("", user)
    if good and password is not None:
        secret = Secret(password.value.rstrip(b"\0"))
        good = sa.ports.users.verify(sa.peer_config, user, secret)
    sa.user = user if good else ""
    words = "successful" if good else "failed"
    sa.log(Group.IKE, f"XAuth authentication of {user!r} {words}")
    sa.verdict = good
    return None


def tell(step: Step) -> Reply:
    """Tell how it went."""
    value = OK if step.sa.verdict else FAIL
    identifier = int.from_bytes(step.sa.ports.rng(2), "big")
    return (Configuration(ConfigurationType.SET, (Attribute.number_of(STATUS, value),), identifier),)


def told(step: Step) -> None:
    """The client knows: go on, or end; raises :class:`AuthenticationFailedError`."""
    if not step.sa.verdict:
        raise AuthenticationFailedError("XAuth authentication of the peer failed")
    establish.establish(step.sa)


def hear(step: Step) -> Reply:
    """Acknowledge the status."""
    given = needed(step.message, Configuration)
    status = given.first(STATUS)
    step.sa.verdict = status is not None and status.number == OK
    shown = () if status is None else (Attribute(STATUS),)
    return (Configuration(ConfigurationType.ACK, shown, given.identifier),)


def heard(step: Step) -> None:
    """Go on, or end; raises :class:`AuthenticationFailedError`."""
    if not step.sa.verdict:
        raise AuthenticationFailedError("XAuth authentication failed: user or password not accepted")
    step.sa.log(Group.IKE, "XAuth authentication of myself successful")
    step.sa.settle()
    establish.establish(step.sa)
