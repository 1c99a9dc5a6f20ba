"""The exchange as a process of its own: its clock, its sockets, its streams and the endpoint that drives it."""
