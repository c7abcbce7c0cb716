"""Facts of phase 1 against constraints: judged where IKEv2's are (``charon.sa.authorisation``)."""

from cygnet.cert.trust import Check
from cygnet.keying.config.records import AuthClass
from cygnet.keying.sa.authorisation import Facts, comply
from cygnet.pluto.config.shared import AuthConfig
from cygnet.pluto.sa.ports import Proved


class Authorisation:
    """Implements ``sa.ports.Authorisation``."""

    def comply(self, proved: Proved, constraints: AuthConfig) -> tuple[Check, ...]:
        """Every check of what was proved against what the connection demands."""
        auth = AuthClass.PSK if proved.by_secret else AuthClass.PUBKEY
        if not proved.by_secret and not proved.chain:
            auth = AuthClass.ANY
        facts = Facts(proved.identity, auth, proved.scheme, proved.chain, proved.checks, proved.verdict)
        return comply(facts, constraints)  # type: ignore[arg-type]  # the records are charon's
