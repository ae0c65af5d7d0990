"""The unprivileged HTTP server: logins, routing, WebSocket terminals; it decides who may do what."""
