"""The root daemon: it makes Linux users and opens their rooms, and does nothing else as root."""
