"""IKEv2 on the wire: payloads, messages, fragments, and which payloads an exchange may carry."""
