"""The same promises demanded of every adapter behind a port."""
