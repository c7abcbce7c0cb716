"""Two or more IKE peers in one process, under a virtual clock."""
