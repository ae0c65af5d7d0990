"""What hostd, guest, api and ctl must agree on: messages, frames, errors, names, configuration, logging."""
