"""EAP, the peer's side and the server's (RFC 3748): packets, conversations, methods.

Pure: randomness and time are arguments, users and certificates are asked of ``ports``. A method is one
object for one conversation; ``catalogue`` makes the methods by their names, ``peer`` and ``server`` are the
conversations around them. The lower layer (IKEv2) carries each packet reliably and in order, so that nothing
is sent twice here.
"""
