"""What happens: the use cases and the ports they need. No I/O of its own."""
