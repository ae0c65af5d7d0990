"""The audit log: its format, how it is written, read and checked, and what keeps a flood from filling it.

hostd alone writes it; `hostelctl audit verify` checks it without hostd. Both use this package, so that the two cannot differ.
"""
