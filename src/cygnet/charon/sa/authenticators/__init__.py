"""How peers prove who they are, one module per method (RFC 7296, 2.15)."""
