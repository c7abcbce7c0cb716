"""What charon does with datagrams, orders, events and kernel news: the glue between threads and IKE_SAs."""
