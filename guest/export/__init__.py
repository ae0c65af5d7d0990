"""All files of the home in one archive, made by a process of its own."""
