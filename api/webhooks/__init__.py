"""Webhooks: other systems that are told what happens, signed and tried again."""

from api.webhooks.webhooks import Webhooks

__all__ = ["Webhooks"]
