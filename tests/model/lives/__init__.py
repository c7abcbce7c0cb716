"""The stateful model test: hosts that live through random orders and mishaps, and what must be true after."""
