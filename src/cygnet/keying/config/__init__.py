"""What is configured, as records; pure."""
