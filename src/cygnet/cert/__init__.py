"""X.509 certificates, the chains they form and the reasons why a chain is not trusted."""
