"""Keys and certificates on PKCS#11 tokens, by the package ``python-pkcs11``, which is optional."""
