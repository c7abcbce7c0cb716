"""TLS inside EAP: sessions without sockets, and their messages in fragments (RFC 5216, 9190 and 9427)."""
