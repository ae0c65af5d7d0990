"""Tasks: prompts that run as jobs, in order, with limits and tries, and go on when the server is restarted."""
