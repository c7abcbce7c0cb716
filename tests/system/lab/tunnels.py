"""Configurations for two gateways, written as an operator would write them."""

from dataclasses import dataclass, field

from lab.certificates import Holder, authority, leaf
from lab.gateways import Gateway
from lab.hosts import until
from lab.network import assert_pings_as_esp

PSK = "a pre-shared key that is long enough"


@dataclass
class End:
    """One gateway of a tunnel: where it is, who it is, and what is behind it."""

    host: Gateway
    address: str
    inside: str
    subnet: str
    identity: str
    options: dict[str, str] = field(default_factory=dict)
    public: str = ""
    """The address as the peer's configuration has it, where that differs."""

    def lines(self, side: str, local: bool) -> dict[str, str]:
        """This end as keywords of ``side`` in a conn section; own certificates only on the own machine."""
        where = self.address if local else self.public or self.address
        found = {side: where, f"{side}subnet": self.subnet, f"{side}id": self.identity}
        found |= {f"{side}{key}": value for key, value in self.options.items() if local or key == "auth"}
        return {key: value for key, value in found.items() if value}


def connection(name: str, local: End, remote: End, options: dict[str, str]) -> str:
    """A conn section as ``local``'s machine has it."""
    lines = {"keyexchange": "ikev2", "auto": "add"} | options
    lines |= local.lines("left", True) | remote.lines("right", False)
    return f"conn {name}\n" + "".join(f"    {key}={_quoted(value)}\n" for key, value in lines.items())


def _quoted(value: str) -> str:
    return f'"{value}"' if " " in value else value


def configure(one: End, other: End, auth: str = "psk", name: str = "net-net", **options: str) -> None:
    """Writes both machines' files for a tunnel: ``auth`` is psk, rsa, ecdsa or ed25519.

    ``options`` are keywords of both conn sections.
    """
    for end, peer in ((one, other), (other, one)):
        end.options.pop("auth", None)
        if auth == "psk":
            end.options.setdefault("auth", "psk")
            secrets = f'{end.identity} {peer.identity} : PSK "{PSK}"\n'
        else:
            end.options.setdefault("auth", "pubkey")
            secrets = credentials(end, leaf(authority(auth), end.identity.removeprefix("@")))
        end.host.write("/etc/ipsec.secrets", secrets, 0o600)
    for end, peer in ((one, other), (other, one)):
        text = "config setup\n\n" + connection(name, end, peer, options)
        end.host.write("/etc/ipsec.conf", text)


def replace(end: End, old: str, new: str, file: str = "/etc/ipsec.conf") -> None:
    """Changes one thing in a file of one machine."""
    text = end.host.read(file)
    assert old in text, f"{old!r} is not in {file}"
    end.host.write(file, text.replace(old, new), 0o600)


def bring_up(one: End, other: End, name: str = "net-net") -> None:
    """Starts both machines and the tunnel from ``one``; both must say that it is up."""
    other.host.start()
    one.host.start()
    one.host.ipsec("up", name)
    until(lambda: is_up(one, name) and is_up(other, name), f"{name} up at both ends", 5)


def is_up(end: End, name: str = "net-net") -> bool:
    return end.host.established(name) == 1 and end.host.installed(name) == 1


def assert_carries(one: End, other: End, count: int = 3, size: int = 56) -> None:
    """Pings between the networks behind, both ways, and checks that ESP and nothing else crossed the wire."""
    assert_pings_as_esp(one.host, one.inside, other.host, other.inside, count, size)


def credentials(end: End, holder: Holder) -> str:
    """Puts certificate, key and authorities into ipsec.d; returns the line for ipsec.secrets."""
    end.host.write("/etc/ipsec.d/certs/own.pem", holder.pem)
    end.host.write("/etc/ipsec.d/private/own.key", holder.key_pem, 0o600)
    for number, above in enumerate(reversed(holder.chain)):
        end.host.write(f"/etc/ipsec.d/cacerts/ca{number}.pem", above.pem)
    end.options["cert"] = "own.pem"
    return f": {holder.secret_type} own.key\n"
