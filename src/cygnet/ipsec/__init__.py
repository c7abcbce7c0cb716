"""The ``ipsec`` command in front of everything."""
