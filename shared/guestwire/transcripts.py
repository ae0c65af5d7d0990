"""Verbs about the transcripts that agents leave in the home."""
