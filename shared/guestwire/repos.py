"""Verbs about a session's repository: git, as the tenant."""
