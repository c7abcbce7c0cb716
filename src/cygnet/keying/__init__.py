"""What a keying daemon needs whichever version of IKE it speaks: connections, credentials, IPsec SAs."""
