"""The daemon's HTTP face: orders, control, order stream and the page. It holds no logic of its own."""
