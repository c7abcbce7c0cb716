"""ESP: security associations, policies, replay windows, packets in and out (RFC 4301, 4303). Pure."""
