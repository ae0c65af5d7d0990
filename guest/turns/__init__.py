"""Turns of agents: the log, conversations, permissions, and what was used."""
