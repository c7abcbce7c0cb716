"""The two languages that starter speaks: stroke's to charon, whack's to pluto."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cygnet.conf.records import Authority, Connection, Setup
from cygnet.ctl import stroke, whack, whack_framing
from cygnet.starter import messages, whack_messages
from cygnet.starter.answers import AnswerReader, FrameReader, LineReader

Request = stroke.Request | whack.Request


@dataclass(frozen=True, slots=True)
class Language:
    """How what a daemon shall do is said to it. ``greeting`` is what one that has just started hears last.

    ``is_loadable`` tells which connections it gets, ``begins`` whether it is the one to route or initiate.
    """

    daemon: str
    is_loadable: Callable[[Connection], bool]
    begins: Callable[[Connection], bool]
    add_connection: Callable[[Connection, Setup], Request]
    add_authority: Callable[[Authority], Request]
    delete_connection: Callable[[str], Request]
    delete_authority: Callable[[str], Request]
    route: Callable[[str], Request]
    unroute: Callable[[str], Request]
    initiate: Callable[[str], Request]
    encode: Callable[[Any], bytes]
    reader: Callable[[], AnswerReader]
    greeting: tuple[Request, ...] = ()
    has_levels: bool = False


STROKE = Language(
    "charon",
    messages.is_loadable,
    lambda connection: True,
    messages.add_connection,
    messages.add_authority,
    stroke.DeleteConnection,
    stroke.DeleteAuthority,
    stroke.Route,
    stroke.Unroute,
    lambda name: stroke.Initiate(name, wait=False, lasting=True),
    stroke.encode,
    FrameReader,
    has_levels=True,
)


def whack_language(*, alone: bool) -> Language:
    """pluto's; ``alone``: there is no charon that would begin where both versions will do."""
    return Language(
        "pluto",
        whack_messages.is_loadable,
        lambda connection: alone or connection.is_of_ikev1,
        whack_messages.add_connection,
        whack_messages.add_authority,
        whack.DeleteConnection,
        whack.DeleteAuthority,
        whack.Route,
        whack.Unroute,
        lambda name: whack.Initiate(name, asynchronous=True, lasting=True),
        lambda request: whack_framing.encode([request]),
        LineReader,
        greeting=(whack.Listen(),),
    )
