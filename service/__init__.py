"""The service: what DeepComposer does. It knows AWS only as boto3 clients handed in."""
