"""Kotak Neo: its login, requests, rows, errors and order feed, as its own client (kotakneoapi) speaks to them."""
