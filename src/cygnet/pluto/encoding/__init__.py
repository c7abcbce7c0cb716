"""IKEv1 messages, read and built (RFC 2408, RFC 2407, RFC 2409 and what extends them). Pure."""
