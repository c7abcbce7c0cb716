"""``whack``: the low-level control tool of pluto."""
