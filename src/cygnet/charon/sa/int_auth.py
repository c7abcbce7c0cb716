"""IntAuth: what authenticates the IKE_INTERMEDIATE exchanges (RFC 9242, 3.3.2)."""

from dataclasses import dataclass

from cygnet.charon.sa.keymat import IkeKeys


@dataclass(slots=True)
class IntAuth:
    """IntAuth_i and IntAuth_r after ``count`` exchanges."""

    initiator: bytes = b""
    responder: bytes = b""
    count: int = 0

    def add(self, keys: IkeKeys, request: bytes, response: bytes) -> None:
        """One exchange more; ``keys`` are those from before it, the octets those of ``Message.covered``."""
        self.initiator = keys.prf(keys.sk_pi.reveal(), self.initiator + request)
        self.responder = keys.prf(keys.sk_pr.reveal(), self.responder + response)
        self.count += 1

    @property
    def octets(self) -> bytes:
        """IntAuth: nothing if there was no such exchange.

        IKE_SA_INIT has message ID 0 and every exchange up to IKE_AUTH the next, which makes IKE_AUTH_MID.
        """
        if not self.count:
            return b""
        return b"".join((self.initiator, self.responder, (self.count + 1).to_bytes(4, "big")))
