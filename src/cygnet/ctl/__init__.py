"""The control sockets' messages, both ends; pure."""
