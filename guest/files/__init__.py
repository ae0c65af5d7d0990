"""The files of a clone or a worktree, and attachments: by open descriptors, never outside."""
