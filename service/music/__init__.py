"""Music as plain values. Knows nothing of AWS, HTTP or torch."""
