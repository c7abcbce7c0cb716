"""Verbs about the daemon itself, and those that are still to come."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cygnet.base.groups import Group
from cygnet.ctl.whack import Listen, Options, Reread, Shutdown, Unlisten
from cygnet.ctl.whack_codes import Rc
from cygnet.pluto.control.replies import Reply

DEBUG: dict[str, tuple[tuple[Group, int], ...]] = {
    "raw": ((Group.NET, 3), (Group.ENC, 3)),
    "crypt": ((Group.LIB, 3),),
    "parsing": ((Group.ENC, 2),),
    "emitting": ((Group.ENC, 2),),
    "control": ((Group.IKE, 2), (Group.CHD, 2), (Group.CFG, 2)),
    "controlmore": ((Group.IKE, 3), (Group.CHD, 3), (Group.CFG, 3), (Group.JOB, 2)),
    "lifecycle": ((Group.MGR, 2), (Group.DMN, 2)),
    "kernel": ((Group.KNL, 2),),
    "klips": ((Group.KNL, 2),),
    "dns": ((Group.LIB, 2),),
    "natt": ((Group.NET, 2),),
    "oppo": ((Group.CFG, 2),),
    "private": tuple((group, 4) for group in Group),
}
"""What each ``--debug-X`` shows, in terms of our log groups; pluto's own classes are not kept apart."""


def levels(words: tuple[str, ...]) -> dict[Group, int]:
    """The levels that a set of ``--debug-X`` comes to, 1 for groups that none names."""
    chosen = dict.fromkeys(Group, 1)
    for word in words:
        for name in DEBUG if word == "all" else (word,):
            if name == "private" and word == "all":
                continue  # secrets only for who asks for them
            for group, level in DEBUG.get(name, ()):
                chosen[group] = max(chosen[group], level)
    return chosen


IMPAIRMENTS = frozenset({"bust-mi2", "bust-mr2"})
"""Messages of main mode that are made too large for one packet, to see what becomes of them on the way."""


@dataclass(slots=True)
class DaemonState:
    """What operators change of the daemon, as status shows it."""

    listening: bool = False
    debug: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DaemonHandler:
    """Listening, debugging, rereading, ending."""

    state: DaemonState
    listen_to_peers: Callable[[bool], None]
    set_level: Callable[[Group, int], None]
    end: Callable[[], None]
    reread_files: Callable[[frozenset[str]], Sequence[str]]
    impaired: set[str]

    def listen(self, request: Listen, reply: Reply) -> None:
        """Peers are heard from now on."""
        if self.state.listening:
            reply.line(Rc.LOG, "listening for IKE messages already")
            return
        self.state.listening = True
        self.listen_to_peers(True)
        reply.line(Rc.LOG, "listening for IKE messages")

    def unlisten(self, request: Unlisten, reply: Reply) -> None:
        """Peers are not heard any more."""
        self.state.listening = False
        self.listen_to_peers(False)
        reply.line(Rc.LOG, "no longer listening for IKE messages")

    def options(self, request: Options, reply: Reply) -> None:
        """``--debug-X`` and ``--impair-X`` together are the new set."""
        self.impaired.clear()
        for word in request.impair:
            if word in IMPAIRMENTS:
                self.impaired.add(word)
            else:
                reply.line(Rc.LOG, f"--impair-{word} has no effect: no keys are looked up in DNS")
        unknown = [word for word in request.debug if word not in (*DEBUG, "none", "all")]
        if unknown:
            reply.line(Rc.WHACK_PROBLEM, f"there is no --debug-{unknown[0]}")
        elif request.debug:
            self.state.debug = tuple(word for word in request.debug if word != "none")
            for group, level in levels(self.state.debug).items():
                self.set_level(group, level)

    def shutdown(self, request: Shutdown, reply: Reply) -> None:
        """End; the client sees the connection close."""
        reply.line(Rc.LOG, "shutting down")
        self.end()

    def reread(self, request: Reread, reply: Reply) -> None:
        """Read these files again; who asks hears what is wrong in them."""
        for problem in self.reread_files(frozenset(request.kinds)):
            reply.line(Rc.LOG_SERIOUS, problem)
