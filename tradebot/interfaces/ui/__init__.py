"""What a terminal shows of the daemon: a dashboard, or plain lines."""
