"""Fetching CRLs, OCSP answers and certificates from servers that may be slow, dead or hostile."""
