"""Small transcripts in the shapes of the real CLIs, written by hand, and a home that they are put in."""
