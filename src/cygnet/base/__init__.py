"""What every part shares: errors, effects, secrets, identities, addresses, traffic selectors."""
