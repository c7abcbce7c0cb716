"""What daemons run on: queues, threads, sockets, the bus and the SA manager."""
