"""Terminals: programs on ptys, rings of what they printed, and who looks at them."""
