"""Writes the tables of docs/protocol.md from the declarations of the messages; a test compares the two."""

import re
import sys
from pathlib import Path
from typing import Final

import msgspec

from shared.guestwire import GUEST
from shared.hostwire import HOST
from shared.messages import Message, Protocol

DOCUMENT: Final = Path(__file__).parents[1] / "docs/protocol.md"


def table(protocol: Protocol) -> str:
    """The verbs of a protocol, as a Markdown table."""
    lines = ["| Verb | Fields | Reply | Peer | Audited |", "|---|---|---|---|---|"]
    for verb in protocol.verbs.values():
        peer = verb.access.value if protocol is HOST else "api"
        audited = "refusals" if verb.audit is None else ", ".join(verb.audit) or "-"
        cells = (f"`{verb.name}`", fields(verb.request), f"`{tag(verb.reply)}`", peer, audited)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def messages(protocol: Protocol) -> str:
    """All other messages of a protocol, as a Markdown table."""
    lines = ["| Message | Fields | Meaning |", "|---|---|---|"]
    verbs = {verb.request for verb in protocol.verbs.values()}
    for message in dict.fromkeys((*protocol.requests, *protocol.replies)):
        if message not in verbs:
            meaning = str(message.__doc__).split("\n")[0]
            lines.append(f"| `{tag(message)}` | {fields(message)} | {meaning} |")
    return "\n".join(lines)


def tag(message: type[Message]) -> str:
    """A message's name on the wire."""
    return str(message.__struct_config__.tag)


def fields(message: type[Message]) -> str:
    """A message's own fields; `?` marks those that may be left out."""
    shown = [f"{field.name}{'' if field.required else '?'}" for field in msgspec.structs.fields(message) if field.name != "id"]
    return ", ".join(f"`{name}`" for name in shown) or "-"


def render(text: str) -> str:
    """`text` with the parts between its markers made anew."""
    made = {
        "host-verbs": table(HOST),
        "host-messages": messages(HOST),
        "guest-verbs": table(GUEST),
        "guest-messages": messages(GUEST),
    }
    for name, part in made.items():
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        text, count = pattern.subn(lambda match, part=part: f"{match[1]}{part}\n{match[2]}", text)  # type: ignore[misc]  # a default argument
        if count != 1:
            raise ValueError(f"docs/protocol.md needs the marker {name} once")
    return text


if __name__ == "__main__":
    DOCUMENT.write_text(render(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
    sys.exit(0)
