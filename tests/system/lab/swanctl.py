"""strongSwan configured by swanctl.conf, for what its ipsec.conf has no words for."""

from lab.gateways import Gateway
from lab.tunnels import PSK, End

FILE = "/run/swanctl.conf"


def connection(end: End, peer: End, rounds: dict[str, list[str]], options: dict[str, str]) -> str:
    """A section net-net; ``rounds`` are methods of both sides, of which EAP is carol's."""
    text = "".join(f"    {key} = {value}\n" for key, value in options.items())
    for side, who in (("local", end), ("remote", peer)):
        for number, method in enumerate(rounds[side], 1):
            text += f"    {side}{number} {{\n      auth = {method}\n      id = {who.identity.lstrip('@')}\n"
            if method.startswith("eap"):
                text += f"      eap_id = {'carol' if side == 'local' else '%any'}\n"
            text += "    }\n"
    return f"""connections {{
  net-net {{
    version = 2
    local_addrs = {end.address}
    remote_addrs = {peer.address}
{text}    children {{
      net-net {{
        local_ts = {end.subnet}
        remote_ts = {peer.subnet}
      }}
    }}
  }}
}}
"""


def secrets(end: End, peer: End, password: str, ppks: dict[str, str]) -> str:
    """The pre-shared key of both, carol's password, and PPKs by name."""
    lines = f'  ike {{\n    id1 = {end.identity}\n    id2 = {peer.identity}\n    secret = "{PSK}"\n  }}\n'
    lines += f'  eap {{\n    id = carol\n    secret = "{password}"\n  }}\n'
    for number, (name, ppk) in enumerate(ppks.items()):
        lines += f"  ppk{number} {{\n    id = {name}\n    secret = {ppk}\n  }}\n"
    return f"secrets {{\n{lines}}}\n"


def load(host: Gateway) -> None:
    """Has a running strongSwan read what was written to :data:`FILE`."""
    host.run("swanctl", "--load-all", "--noprompt", "--file", FILE)
