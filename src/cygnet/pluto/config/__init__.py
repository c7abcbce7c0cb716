"""Connections and settings as pluto sees them: immutable records, filled by backends."""
