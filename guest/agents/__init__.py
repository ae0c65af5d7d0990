"""Agents as this workspace can use them: how they are started, and how they sign in."""
