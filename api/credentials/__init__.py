"""Credentials: tokens of a sign-in, keys, one-time tokens."""
