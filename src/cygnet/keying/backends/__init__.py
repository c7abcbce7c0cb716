"""Where connections, credentials, policies and pools come from (the four interfaces are ``ports``)."""
