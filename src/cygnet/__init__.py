"""Cygnet, an IPsec keying suite: IKEv1 and IKEv2 daemons behind one ``ipsec`` command."""

__version__ = "0.1.0"
