"""Implementations of the kernel port: ``userland`` (espd) and ``memory`` (tests); ``factory`` chooses."""
