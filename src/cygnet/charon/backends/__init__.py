"""charon's stores of connections, policies, credentials and settings, several at once in configured order."""
