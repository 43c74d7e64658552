"""Taking care of a data folder: backup, restore, starting points, keys and the doctor."""
