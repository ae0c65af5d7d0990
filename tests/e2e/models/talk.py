"""What a request to a model says, whatever the API."""

from dataclasses import dataclass, field
from typing import Any

from tests.e2e.models.script import Schema


@dataclass
class Talk:
    """The conversation so far, as far as the script needs it."""

    model: str
    streams: bool
    tools: dict[str, Schema]
    """What is offered, with the schemas of the arguments."""
    prompt: str = ""
    """The last prompt of the user."""
    results: int = 0
    """The tool results that have come since."""
    before: list[str] = field(default_factory=list)
    """The earlier prompts."""
    wanted: Any = None
    """The plainest JSON of the form that the answer must have, if it must have one."""
    thinks: bool = False
    """Whether thinking is wanted."""
    namespaces: dict[str, str] = field(default_factory=dict)
    """Where the tools are, for an API that has such."""

    def said(self, text: str) -> None:
        """A text from the user's side. What agents add by themselves, in angle brackets or under a heading, is no prompt.

        Each text counts for itself: after a prompt that was cancelled, an agent sends the next one in the same message.
        """
        if text.strip() and not text.lstrip().startswith(("<", "# AGENTS.md", "[Request interrupted")):
            if self.prompt:
                self.before.append(self.prompt)
            self.prompt, self.results = text, 0
