"""``ipsec load-test``: many IKEv2 initiators over charon's pure core."""
