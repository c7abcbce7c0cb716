"""``--keyid``: raw public keys of peers, and of ourselves."""

from dataclasses import dataclass

from cygnet.base.identities import Identity
from cygnet.ctl.whack import AddKey
from cygnet.ctl.whack_codes import Rc
from cygnet.pluto.backends.peer_keys import PeerKeys, parse
from cygnet.pluto.control.replies import Reply


@dataclass(frozen=True, slots=True)
class PublicKeysHandler:
    """Answers ``AddKey``."""

    keys: PeerKeys

    def __call__(self, request: AddKey, reply: Reply) -> None:
        """Those known of the identity are forgotten, unless this is one more (``--addkey``)."""
        identity, key = Identity.parse(request.id), parse(request.rsa) if request.rsa else None
        if not request.add:
            gone = self.keys.forget(identity)
            if gone:
                reply.line(Rc.LOG, f"forgot {gone} public key{'' if gone == 1 else 's'} of '{identity}'")
        if key is not None:
            self.keys.add(identity, key)
            reply.line(Rc.LOG, f"added public key {key} of '{identity}'")
