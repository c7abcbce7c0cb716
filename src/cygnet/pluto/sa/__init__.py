"""ISAKMP SAs and IPsec SAs: one transition table per mode, and what its rows do. Pure."""
