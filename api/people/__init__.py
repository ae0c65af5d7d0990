"""Who signs in, and what they are members of: people, browsers, organisations."""
