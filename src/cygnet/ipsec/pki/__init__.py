"""``ipsec pki``: keys and certificates, with the options of strongSwan's tool."""
