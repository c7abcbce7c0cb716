"""The IKEv1 daemon."""
