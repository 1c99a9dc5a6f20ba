"""The report of a run: figures from its books and events, as a page with charts and as text."""
