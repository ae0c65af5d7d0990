"""The web client in Debian's Chromium, before a whole hostel with real users and real agents."""
