"""IPsec SAs in the kernel, and what of a peer's authentication is the same for all cores; pure."""
