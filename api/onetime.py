"""One-time tokens: what they hand over is sealed under a key that only the token yields, and is opened once."""
