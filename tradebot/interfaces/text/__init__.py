"""Plain text for people: tables of orders, the story of one order, the summary of a run."""
