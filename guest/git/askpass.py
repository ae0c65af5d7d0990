"""Git's GIT_ASKPASS: answers a prompt from the descriptor that the guest passed on.

It runs as a program of its own, `python -I -S askpass.py PROMPT`, and imports next to nothing. HOSTEL_ASKPASS_FD is the number
of a memfd with JSON: `server` (`host` or `host:port`), `username`, `secret`. A prompt for another server, as after a redirect,
gets no answer.
"""

import json
import os
import re
import sys

_PROMPT = re.compile(r"(Username|Password) for 'https://(?:[^@/']*@)?([^@/']+)(?:/[^']*)?': ?")


def answer(prompt: str, note: dict[str, str]) -> str | None:
    """What to tell git, or None when it is not ours to tell."""
    match = _PROMPT.fullmatch(prompt)
    if match is None or match[2].lower() != note["server"]:
        return None
    return note["username"] if match[1] == "Username" else note["secret"]


def main() -> int:
    """Print the answer."""
    # By position: the descriptor's offset is shared with whoever asks next.
    note = json.loads(os.pread(int(os.environ["HOSTEL_ASKPASS_FD"]), 65_536, 0))
    reply = answer(sys.argv[1], note)
    if reply is None:
        sys.stderr.write("the credential is for another server\n")
        return 1
    sys.stdout.write(reply + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
