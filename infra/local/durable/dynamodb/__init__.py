"""DynamoDB's items in rows: moto validates and answers, SQLite finds and keeps."""
