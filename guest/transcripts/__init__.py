"""What agents leave in the home of their work, also when they were started by hand: found, followed, read, priced.

A child process of the guest does it (`python -I -m guest.transcripts`), so that 10,000 transcripts cost the guest neither time
nor memory; `guest.transcripts.process` is the guest's end. A file of the home is hostile input: it may grow, shrink or be
replaced while it is read, be a link or a FIFO, have a line of a gigabyte, or be no transcript at all.
"""
