"""The supervisor of one workspace, running as its tenant: terminals, sessions, git."""
