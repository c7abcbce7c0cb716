"""espd: ESP in user space on a TUN device, controlled by the keying daemons over a Unix socket."""
