"""Messages to people: what waits in the outbox, sent over the operator's channels."""
