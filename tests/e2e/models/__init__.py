"""A stand-in for the model APIs, for tests of the real agents: what the user prompts is what the model does."""
