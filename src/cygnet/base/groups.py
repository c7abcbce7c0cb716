"""Log groups and levels, under the names that strongSwan's configuration uses."""

from enum import IntEnum, StrEnum


class Group(StrEnum):
    """A subsystem that logs (``charondebug``, ``filelog`` and ``stroke loglevel`` name them)."""

    DMN = "dmn"
    MGR = "mgr"
    IKE = "ike"
    CHD = "chd"
    JOB = "job"
    CFG = "cfg"
    KNL = "knl"
    NET = "net"
    ASN = "asn"
    ENC = "enc"
    TNC = "tnc"
    IMC = "imc"
    IMV = "imv"
    PTS = "pts"
    TLS = "tls"
    APP = "app"
    ESP = "esp"
    LIB = "lib"


class Level(IntEnum):
    """How detailed a line is; a listener shows lines up to its own level."""

    SILENT = -1
    AUDIT = 0
    CONTROL = 1
    DETAIL = 2
    DUMP = 3
    PRIVATE = 4
