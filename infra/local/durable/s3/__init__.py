"""S3's objects in rows, and the bodies of large ones in encrypted files."""
