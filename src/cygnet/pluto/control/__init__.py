"""The whack socket and what it can be asked."""
