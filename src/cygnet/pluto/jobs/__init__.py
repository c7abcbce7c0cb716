"""Work that pluto queues: datagrams, orders of operators, timers."""
