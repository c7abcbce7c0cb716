"""All stores at once in configured order, as the IKEv2 core asks them, and what peers are told."""
