"""What moto keeps in memory, kept on the disk as well: graphs of objects as sealed values."""
