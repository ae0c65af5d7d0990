"""What outlives its request: event streams, WebSockets, and the feeds that they follow."""
