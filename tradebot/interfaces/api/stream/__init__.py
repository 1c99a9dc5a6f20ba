"""The order stream: from the engine to every WebSocket, in sequence and without loss."""
