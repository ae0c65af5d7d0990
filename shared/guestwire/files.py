"""Verbs about the files of a session, and the frames of one on its way."""
