"""How a database of any age comes to the schema of today, and back."""
