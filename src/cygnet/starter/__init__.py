"""``cygnet-starter``: reads ``ipsec.conf``, keeps the daemons running, gives them connections."""
