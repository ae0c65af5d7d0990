"""Alembic's migrations of api's store: additive, and safe to run twice.

`python -I -m api.migrations FILE` brings FILE up to date.
"""
