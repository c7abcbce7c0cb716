"""Structures about policies by hand: each line is one field of uapi ``linux/xfrm.h``."""

from ipaddress import ip_address, ip_network

from cygnet.kernel.backends.xfrm import policy_layout as layout
from cygnet.kernel.backends.xfrm.primitives import Selector

MOON, SUN = ip_address("192.0.2.1"), ip_address("192.0.2.2")
SELECTOR = Selector(ip_network("10.1.0.0/16"), ip_network("10.2.0.0/16"))


def test_policy_information():
    info = layout.PolicyInfo(SELECTOR, 1, 375423, 0x80000009, 1, 4)
    packed = info.pack()
    assert len(packed) == layout.POLICY_SIZE == 168
    assert packed == SELECTOR.pack() + bytes.fromhex(
        f"{'ff' * 32} {'00' * 32}"  # lft
        f"{'00' * 32}"  # curlft
        "7fba0500 09000080"  # priority, index
        "01 01 04 00 00000000"  # dir, action, flags, share, padding
    )
    assert layout.PolicyInfo.unpack(b"x" + packed, 1) == info


def test_policy_name():
    packed = layout.pack_policy_name(SELECTOR, 2, 0x8000000A)
    assert packed == SELECTOR.pack() + bytes.fromhex("0a000080 02 000000")
    assert layout.unpack_policy_name(packed) == (SELECTOR, 2)


def test_template():
    template = layout.Template(MOON, SUN, 50, 7, 1, 4, 0xC1, True)
    packed = template.pack()
    assert len(packed) == layout.TEMPLATE_SIZE == 64
    assert packed == bytes.fromhex(
        "c0000202 000000000000000000000000 000000c1 32 000000"  # id: daddr, spi, proto
        "0200 0000"  # family, padding
        "c0000201 000000000000000000000000"  # saddr
        "07000000 01 00 01 00"  # reqid, mode, share, optional, padding
        "ffffffff ffffffff ffffffff"  # aalgos, ealgos, calgos
    )
    assert layout.unpack_templates(packed * 2 + b"rest") == (template, template)
    assert str(template) == "esp reqid 7 spi 000000c1 tunnel 192.0.2.1 to 192.0.2.2 optional"


def test_template_without_addresses_is_for_the_packet_s_own():
    template = layout.Template(None, None, 51, 7, 0, 6)
    assert layout.Template.unpack(template.pack()) == template
    assert str(template) == "ah reqid 7 transport"


def test_migration():
    move = layout.Migration(MOON, SUN, ip_address("2001:db8::1"), ip_address("2001:db8::2"), 50, 1, 7)
    packed = move.pack()
    assert packed == bytes.fromhex(
        "c0000202 000000000000000000000000"  # old_daddr
        "c0000201 000000000000000000000000"  # old_saddr
        "20010db8000000000000000000000002"  # new_daddr
        "20010db8000000000000000000000001"  # new_saddr
        "32 01 0000 07000000"  # proto, mode, reserved, reqid
        "0200 0a00"  # old_family, new_family
    )
    assert layout.Migration.unpack(packed) == move


def test_key_manager_address():
    packed = bytes.fromhex("c0000201") + bytes(12) + bytes.fromhex("c0000202") + bytes(16)
    assert layout.unpack_km_address(packed + bytes.fromhex("0200 0000")) == (MOON, SUN)
