"""Sessions, their records, and their deadlines."""
