"""The server's own keys: what signs tokens, and what seals the store."""
