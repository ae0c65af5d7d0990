"""What a workspace gets beside its Linux user: a small interface, and what implements it."""

from api.provisioners.provisioners import Provisioners

__all__ = ["Provisioners"]
