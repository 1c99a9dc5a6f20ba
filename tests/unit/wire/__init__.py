"""The brokers' wires, without sockets."""
