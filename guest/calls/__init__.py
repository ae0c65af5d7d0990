"""What a guest answers: a class for each noun, with a handler for each verb, named like it."""
