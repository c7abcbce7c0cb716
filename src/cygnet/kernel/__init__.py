"""What a keying daemon asks of a kernel: ``port`` (pure) and the backends that answer."""
