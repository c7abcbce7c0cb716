"""``ipsec.conf``: text to records."""

from collections.abc import Iterable
from typing import Any

from cygnet.conf.inheritance import Ancestry
from cygnet.conf.keywords import Section
from cygnet.conf.problems import Origin, Problems, Reader
from cygnet.conf.records import Authority, Config, Connection, End, Setup
from cygnet.conf.sections import DEFAULT, RawSection, SectionLoader, Setting

_AUTH_OF_AUTHBY = {"never": "", "eap": "eap", "xauthpsk": "psk", "xauthrsasig": "pubkey"}


def parse_config(path: str, reader: Reader) -> Config:
    """Parse ``path`` with all it includes. Never raises for anything written in the files."""
    problems = Problems()
    loader = SectionLoader(reader, problems)
    loader.load(path)
    conns = _resolved(loader.sections[Section.CONN], problems)
    authorities = _resolved(loader.sections[Section.CA], problems)
    setup = loader.sections[Section.SETUP].get("setup")
    return Config(
        setup=Setup() if setup is None else _setup(setup),
        connections=tuple(_connection(section, settings, problems) for section, settings in conns),
        authorities=tuple(_authority(section, settings) for section, settings in authorities),
        problems=problems.result(),
    )


def _resolved(
    sections: dict[str, RawSection], problems: Problems
) -> list[tuple[RawSection, dict[str, Setting]]]:
    """Every section but ``%default`` with all its settings, inherited ones included."""
    ancestry = Ancestry(sections, problems)
    found = []
    for section in sections.values():
        if section.name != DEFAULT:
            settings: dict[str, Setting] = {}
            for ancestor in reversed(ancestry.line(section)):
                settings.update(ancestor.settings)
            found.append((section, settings))
    return found


def _setup(section: RawSection) -> Setup:
    return Setup(**_values(section.settings.values()), origins=_origins(section.settings))


def _authority(section: RawSection, settings: dict[str, Setting]) -> Authority:
    values = _values(settings.values())
    return Authority(section.name, **values, origin=section.origin, origins=_origins(settings))


def _connection(section: RawSection, settings: dict[str, Setting], problems: Problems) -> Connection:
    sides: dict[str, dict[str, Any]] = {"": {}, "left": {}, "right": {}}
    unsupported = []
    for name, (reading, _) in settings.items():
        if reading.unsupported:
            unsupported.append(name)
        if reading.slot.keyword.field and not reading.reset:
            sides[reading.slot.side][reading.slot.keyword.field] = reading.value
    values = sides[""]
    if "mark" in values:
        mark = values.pop("mark")
        values.setdefault("mark_in", mark)
        values.setdefault("mark_out", mark)
    authby = values.get("authby", "pubkey")
    connection = Connection(
        section.name,
        left=_end(sides["left"], authby),
        right=_end(sides["right"], authby),
        **values,
        unsupported=tuple(unsupported),
        origin=section.origin,
        origins=_origins(settings),
    )
    _check(connection, problems)
    return connection


def _end(values: dict[str, Any], authby: str) -> End:
    if "protoport" in values:
        values["protocol"], values["from_port"], values["to_port"] = values.pop("protoport")
    values.setdefault("auth", _AUTH_OF_AUTHBY.get(authby, authby))
    hosts = values.get("hosts", ())
    if hosts and hosts[0].startswith("%") and hosts[0] not in ("%any", "%any4", "%any6"):
        values["hosts"] = tuple(host.removeprefix("%") for host in hosts)
        values["allow_any"] = True
    return End(**values)


def _values(settings: Iterable[Setting]) -> dict[str, Any]:
    return {
        reading.slot.keyword.field: reading.value
        for reading, _ in settings
        if reading.slot.keyword.field and not reading.reset
    }


def _origins(settings: dict[str, Setting]) -> dict[str, Origin]:
    return {name: setting.origin for name, setting in settings.items()}


def _check(connection: Connection, problems: Problems) -> None:
    """What is wrong with a connection as a whole."""
    if connection.esp is not None and connection.ah is not None:
        problems.error(connection.origins["ah"], f"conn '{connection.name}' has both esp and ah")
    if connection.ppk_required and connection.keyexchange == "ikev1":
        text = f"conn '{connection.name}' requires a PPK, which IKEv1 has not; set keyexchange=ikev2"
        problems.error(connection.origins["ppk_required"], text)
    for side, end in (("left", connection.left), ("right", connection.right)):
        if end.firewall and end.updown is not None:
            text = f"conn '{connection.name}' has both {side}firewall and {side}updown"
            problems.error(connection.origins[f"{side}firewall"], text)
    if connection.unsupported and connection.auto != "ignore":
        lacking = ", ".join(connection.unsupported)
        text = f"conn '{connection.name}' is not loaded because of {lacking}"
        problems.warning(connection.origin, text)
