"""charon's control thread: the stroke socket and one handler per concept."""
