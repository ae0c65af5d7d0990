"""The operator's command, `hostelctl`: a client of hostd's socket, run as root."""
