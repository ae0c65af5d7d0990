"""How agents are driven: one interface, and a driver for each protocol."""
