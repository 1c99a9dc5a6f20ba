"""Webhooks out: who receives, how one is sent, and the courier that delivers what waits in the outbox."""
