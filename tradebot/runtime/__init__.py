"""What drives the engine: virtual time in a replay, real time in a session that trades."""
