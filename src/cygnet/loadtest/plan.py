"""What each initiator is and wants: its connection, from the options and its number."""

from dataclasses import dataclass, replace
from pathlib import Path

from cygnet.base.errors import LocalError
from cygnet.base.identities import Identity
from cygnet.base.secret import Secret
from cygnet.base.selectors import TrafficSelector
from cygnet.cert.certificates import Certificate, load_certificates
from cygnet.crypto.signatures import PrivateKey
from cygnet.keying.config.records import (
    AuthClass,
    AuthConfig,
    ChildConfig,
    IkeConfig,
    PeerConfig,
    SendCert,
    Unique,
)
from cygnet.keying.config.settings import DaemonSettings
from cygnet.keying.sa.credentials import OwnKey
from cygnet.loadtest.certificates import Issuer
from cygnet.loadtest.credentials import Credentials
from cygnet.loadtest.options import NUMBER, Options
from cygnet.pluto.config import records as pluto

NAME = "load-test"


@dataclass(frozen=True, slots=True)
class Files:
    """What the files of the command line hold."""

    secret: Secret | None = None
    own: OwnKey | None = None
    authority: tuple[Certificate, PrivateKey] | None = None
    anchors: tuple[Certificate, ...] = ()


def read_files(options: Options) -> Files:
    """Read them all; raises :class:`LocalError` that names the file and what is wrong with it."""
    anchors = [one for path in options.cacert for one in _certificates(path)]
    if options.psk or options.psk_file:
        octets = options.psk.encode() if options.psk else _octets(options.psk_file).rstrip(b"\r\n")
        if not octets:
            raise LocalError(f"{options.psk_file}: the secret is empty")
        return Files(Secret(octets), anchors=tuple(anchors))
    if options.cert:
        leaf, *issuers = _certificates(options.cert)
        own = OwnKey(_key(options.key), leaf, tuple(issuers))
        if own.key.public_key != leaf.public_key:
            raise LocalError(f"the key {options.key} does not belong to the certificate {options.cert}")
        return Files(own=own, anchors=tuple(anchors))
    authority = _certificates(options.ca)[0]
    return Files(authority=(authority, _key(options.ca_key)), anchors=(authority, *anchors))


class Plan:
    """The connections of all initiators; ``now`` is POSIX seconds."""

    def __init__(self, options: Options, files: Files, now: float) -> None:
        self._options = options
        self._files = files
        self._now = now
        self._issuer = Issuer(*files.authority, options.key_type, now) if files.authority else None
        self._keys: dict[Identity | None, OwnKey] = {}
        self._base = self._connection()
        self.settings = DaemonSettings(
            port=options.port, port_nat_t=options.nat_t_port, retransmit_timeout_s=options.timeout,
            retransmit_tries=options.tries, keep_alive_s=0.0,
        )  # fmt: skip

    def prepare(self, number: int) -> None:
        """Make what initiator ``number`` needs and would cost time later; raises :class:`LocalError`."""
        if self._issuer is not None:
            identity = self.identity(number)
            if identity is not None and identity not in self._keys:
                self._keys[identity] = self._issuer.issue(identity)

    def credentials(self) -> Credentials:
        """What the initiators know."""
        return Credentials(self._files.secret, self._own_key, self._files.anchors, self._now)

    def connection(self, number: int) -> PeerConfig:
        """The connection of initiator ``number``."""
        base = self._base
        auth = replace(base.local[0], identity=self.identity(number))
        child = replace(base.children[0], local_ts=(self._address_of(number),))
        return replace(base, local=(auth,), children=(child,))

    def connection_of_ikev1(self, number: int) -> pluto.PeerConfig:
        """The same in IKEv1's terms: main mode, both sides with the one kind of credentials."""
        peer = self.connection(number)
        by_secret = self._files.secret is not None
        return pluto.PeerConfig(
            peer.name, peer.ike, peer.local[0], peer.remote[0], peer.children,
            pluto.Method.PSK if by_secret else pluto.Method.PUBKEY,
            unique=Unique.NEVER, rekey=False, keying_tries=1,
        )  # fmt: skip

    def identity(self, number: int) -> Identity | None:
        """Who initiator ``number`` is; ``None`` where its certificate tells."""
        if self._files.own is not None:
            return None
        return Identity.parse(self._options.identity.replace(NUMBER, str(number)))

    def _own_key(self, identity: Identity | None) -> OwnKey | None:
        return self._files.own or self._keys.get(identity)

    def _address_of(self, number: int) -> TrafficSelector:
        """The n-th address of the network, round and round."""
        network = self._options.local_ts
        if network.dynamic:
            return network
        size = int(network.end) - int(network.start) + 1
        address = network.start + number % size
        return TrafficSelector(address, address)

    def _connection(self) -> PeerConfig:
        options = self._options
        auth = AuthClass.PSK if self._files.secret is not None else AuthClass.PUBKEY
        remote = Identity.parse(options.remote_identity)
        everything = TrafficSelector.of("::/0" if options.target.version == 6 else "0.0.0.0/0")
        child = ChildConfig(NAME, (options.local_ts,), (options.remote_ts or everything,), options.esp)
        return PeerConfig(
            NAME,
            IkeConfig(proposals=options.ike),
            (AuthConfig(auth, send_cert=SendCert.ALWAYS),),
            (AuthConfig(AuthClass.ANY, None if remote.is_any else remote),),
            (child,),
            unique=Unique.NEVER,
            ike_lifetime_s=0,
            keying_tries=1,
            reauth=False,
        )


def _octets(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise LocalError(f"{path}: {error.strerror}") from error


def _certificates(path: str) -> tuple[Certificate, ...]:
    data = _octets(path)
    try:
        return load_certificates(data)
    except LocalError as error:
        raise LocalError(f"{path}: {error}") from None


def _key(path: str) -> PrivateKey:
    data = _octets(path)
    try:
        return PrivateKey.load(data)
    except LocalError as error:
        raise LocalError(f"{path}: {error}") from None
