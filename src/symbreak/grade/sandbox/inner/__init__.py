"""What runs in the child: it is started by path, and imports nothing of symbreak but this room."""
