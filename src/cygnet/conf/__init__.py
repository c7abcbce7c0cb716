"""``ipsec.conf``, ``ipsec.secrets`` and ``strongswan.conf``: text to records; pure."""
