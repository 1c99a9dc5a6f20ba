"""A real PostgreSQL server for the tests: one that is named, one whose programs are here, or one that is installed."""
