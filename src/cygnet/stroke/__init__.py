"""The ``stroke`` program: sends one request to charon and prints the answer."""
