"""EAP methods: one file each, with the peer's and the server's side."""
