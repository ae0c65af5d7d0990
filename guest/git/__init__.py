"""Git, as the tenant: clones, worktrees, and what is asked of a repository."""
