"""The only room that says DynamoDB or S3: questions go in, values come out."""
