"""What the local AWS holds, on disk: one SQLite file of rows, and files for the bodies of large objects."""
