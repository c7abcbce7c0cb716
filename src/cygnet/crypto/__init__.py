"""Algorithm tables, proposals, ciphers, PRFs, key exchange and signatures; every primitive is OpenSSL's."""
