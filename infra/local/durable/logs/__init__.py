"""CloudWatch Logs' events in rows."""
