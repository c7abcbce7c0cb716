"""IKE sockets: inherited reuseport group, raw socket with filter, plain UDP."""
