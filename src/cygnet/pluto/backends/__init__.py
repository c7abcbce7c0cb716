"""What pluto is configured with: connections and settings."""
