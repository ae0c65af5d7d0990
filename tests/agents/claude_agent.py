"""A fake Claude Code that speaks its two-way stream-json on its standard input and output.

Run it by itself: `python -I claude_agent.py -p …`; of the flags it knows `--session-id` and `--resume`. A prompt is its script,
one directive a line; one without any is answered with `Hello.`:

    say TEXT             a piece of an answer, streamed
    think TEXT           a piece of thinking, streamed
    whole TEXT           an answer that was not streamed
    sub TEXT             the same, of a subagent
    run COMMAND          a tool call that runs a shell command
    ask COMMAND          the same, after a permission that may be given for always
    ask1 COMMAND         the same, which may not
    question SUBTYPE     asks something else; says the answer
    flood N              asks N times under one id, and waits for no answer
    mode ID              changes its mode
    history              says all earlier prompts
    env NAME, pid        says it
    attached             says what came with the prompt
    fail TEXT            the turn fails
    delay SECONDS        waits; an interrupt ends it
    stop REASON          why the turn stops
    stderr TEXT          one line on standard error
    die [CODE]           exits
    garbage [N]          N lines that are no JSON
    badline              lines of the right types, and wrong fields
    hang                 never answers again
    closestdout          closes its standard output, and stays

Each turn uses 100 tokens in, 10 of them from the cache, 20 out, and costs 0.25 dollars, of `claude-fake`. Conversations persist
in `~/.fake-claude/`. FAKE_CLAUDE in the environment: `hang` (never ready), `old` (knows no `get_usage`).
"""

import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

Object = dict[str, Any]

STATE = Path(os.environ.get("HOME", "/nonexistent")) / ".fake-claude"
MODES = ("default", "acceptEdits", "plan")


class Interrupted(Exception):  # noqa: N818  # not an error
    pass


class Failed(Exception):  # noqa: N818  # the script wants it
    pass


def send(message: Object) -> None:
    data = json.dumps(message).encode() + b"\n"
    while data:
        data = data[os.write(1, data) :]


class Claude:
    def __init__(self, session: str, *, resumed: bool) -> None:
        self.session = session
        self.path = STATE / f"{session}.json"
        self.buffer = b""
        self.lines: list[bytes] = []
        self.turns, self.prompts, self.model, self.mode = 0, [], "default", "default"
        self.count = 0
        self.content: list[Object] = []
        self.stop: str | None = "end_turn"
        if resumed:
            kept = json.loads(self.path.read_text())
            self.turns, self.prompts = kept["turns"], kept["prompts"]

    def next(self, timeout: float | None = None) -> Object | None:
        end = None if timeout is None else time.monotonic() + timeout
        while not self.lines:
            if not select.select([0], [], [], None if end is None else max(0.0, end - time.monotonic()))[0]:
                return None
            chunk = os.read(0, 1 << 20)
            if not chunk:
                sys.exit(0)
            *lines, self.buffer = (self.buffer + chunk).split(b"\n")
            self.lines += lines
        message: Object = json.loads(self.lines.pop(0))
        return message

    def main(self) -> None:
        while True:
            message = self.next()
            assert message is not None
            if message["type"] == "user":
                self.turn(message["message"]["content"])
            else:
                self.aside(message)

    def aside(self, message: Object) -> None:
        if message["type"] != "control_request":
            return
        request, number = message["request"], message["request_id"]
        if os.environ.get("FAKE_CLAUDE") == "hang":
            return
        answer: Object = {"subtype": "success", "request_id": number}
        match request["subtype"]:
            case "initialize":
                models = [{"value": "default", "displayName": "Default"}, {"value": "other", "displayName": "Other"}]
                answer["response"] = {"models": models, "current_permission_mode": self.mode, "commands": []}
            case "get_usage" if os.environ.get("FAKE_CLAUDE") != "old":
                answer["response"] = {"session": {"total_cost_usd": self.turns * 0.25, "model_usage": self.used()}}
            case "set_permission_mode" if request["mode"] in MODES:
                self.mode = request["mode"]
                answer["response"] = {"mode": self.mode}
            case "set_model":
                self.model = request["model"]
                answer["response"] = {"model": self.model}
            case "interrupt":
                send({"type": "control_response", "response": answer})
                raise Interrupted
            case _:
                answer = {"subtype": "error", "request_id": number, "error": "no such thing"}
        send({"type": "control_response", "response": answer})

    def used(self) -> Object:
        if not self.turns:
            return {}
        return {
            "claude-fake": {
                "inputTokens": 90 * self.turns,
                "outputTokens": 20 * self.turns,
                "cacheReadInputTokens": 10 * self.turns,
            }
        }

    def turn(self, content: list[Object]) -> None:
        text = content[0]["text"]
        self.content = content
        earlier, self.stop = list(self.prompts), "end_turn"
        self.prompts.append(text[:10_000])
        send(
            {
                "type": "system",
                "subtype": "init",
                "session_id": self.session,
                "model": "claude-fake",
                "permissionMode": self.mode,
            }
        )
        error: str | None = None
        try:
            known = False
            for line in text.splitlines():
                verb, _, rest = line.strip().partition(" ")
                step = getattr(self, f"step_{verb}", None)
                if step is None:
                    continue
                known = True
                while (message := self.next(0)) is not None:
                    self.aside(message)
                step(rest if verb != "history" else "; ".join(earlier))
            if not known:
                self.step_say("Hello.")
        except Interrupted:
            error = "interrupted"
        except Failed as failed:
            error = str(failed)
        self.turns += 1
        STATE.mkdir(mode=0o700, exist_ok=True)
        self.path.write_text(json.dumps({"turns": self.turns, "prompts": self.prompts}))
        send(
            {
                "type": "result",
                "subtype": "success" if error != "interrupted" else "error_during_execution",
                "is_error": error is not None,
                "result": error,
                "stop_reason": self.stop,
                "session_id": self.session,
                "total_cost_usd": self.turns * 0.25,
                "usage": {"input_tokens": 90, "output_tokens": 20, "cache_read_input_tokens": 10},
                "modelUsage": self.used(),
            }
        )

    def stream(self, kind: str, delta: Object) -> None:
        self.count += 1
        events = (
            {"type": "message_start", "message": {"id": f"msg-{self.count}", "role": "assistant"}},
            {"type": "content_block_start", "index": 0, "content_block": {"type": kind}},
            {"type": "content_block_delta", "index": 0, "delta": delta},
        )
        for event in events:
            send({"type": "stream_event", "event": event, "parent_tool_use_id": None})
        self.assistant({"type": kind, **{key: value for key, value in delta.items() if key != "type"}}, f"msg-{self.count}")

    def assistant(self, block: Object, message: str, parent: str | None = None) -> None:
        content = {"id": message, "role": "assistant", "model": "claude-fake", "content": [block]}
        send({"type": "assistant", "message": content, "parent_tool_use_id": parent})

    def step_say(self, text: str) -> None:
        self.stream("text", {"type": "text_delta", "text": text})

    step_history = step_say

    def step_think(self, text: str) -> None:
        self.stream("thinking", {"type": "thinking_delta", "thinking": text})

    def step_whole(self, text: str) -> None:
        self.assistant({"type": "text", "text": text}, "synthetic")

    def step_sub(self, text: str) -> None:
        self.assistant({"type": "text", "text": text}, "sub", parent="toolu-parent")

    def use(self, command: str) -> str:
        self.count += 1
        tool = f"toolu-{self.count}"
        self.assistant({"type": "tool_use", "id": tool, "name": "Bash", "input": {"command": command}}, f"msg-{self.count}")
        return tool

    def give(self, tool: str, text: str, *, failed: bool = False) -> None:
        block = {"type": "tool_result", "tool_use_id": tool, "content": [{"type": "text", "text": text}], "is_error": failed}
        send({"type": "user", "message": {"role": "user", "content": [block]}, "parent_tool_use_id": None})

    def step_run(self, command: str) -> None:
        self.run(self.use(command), command)

    def run(self, tool: str, command: str) -> None:
        result = subprocess.run(
            ["/bin/sh", "-c", command], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        self.give(tool, result.stdout + result.stderr, failed=result.returncode != 0)

    def ask(self, request: Object) -> Object:
        self.count += 1
        number = f"ask-{self.count}"
        send({"type": "control_request", "request_id": number, "request": request})
        while True:
            message = self.next()
            assert message is not None
            if message["type"] == "control_response" and message["response"]["request_id"] == number:
                response: Object = message["response"]
                return response
            self.aside(message)

    def step_ask(self, command: str) -> None:
        rule = {"type": "addRules", "rules": [{"toolName": "Bash", "ruleContent": command}], "destination": "localSettings"}
        mode = {"type": "setMode", "mode": "acceptEdits", "destination": "session"}
        self.permit(command, [rule, mode])

    def step_ask1(self, command: str) -> None:
        self.permit(command, [])

    def permit(self, command: str, suggestions: list[Object]) -> None:
        tool = self.use(command)
        given = {"command": command}
        request = {"subtype": "can_use_tool", "tool_name": "Bash", "input": given, "tool_use_id": tool}
        answer = self.ask({**request, "permission_suggestions": suggestions})["response"]
        if answer["behavior"] == "allow":
            assert given == answer["updatedInput"]
            self.step_say(f"allowed with {json.dumps(answer.get('updatedPermissions'))}")
            self.run(tool, command)
        else:
            self.give(tool, answer["message"], failed=True)
            self.step_say("denied")

    def step_question(self, subtype: str) -> None:
        self.step_say(json.dumps(self.ask({"subtype": subtype}), sort_keys=True))

    def step_flood(self, number: str) -> None:
        request = {"subtype": "can_use_tool", "tool_name": "Bash", "input": {"command": "true"}}
        for _ in range(int(number)):
            send({"type": "control_request", "request_id": "same", "request": request})

    def step_mode(self, mode: str) -> None:
        self.mode = mode
        send({"type": "system", "subtype": "status", "permissionMode": mode})

    def step_env(self, name: str) -> None:
        self.step_say(f"{name}={os.environ.get(name)}")

    def step_attached(self, _: str) -> None:
        self.step_say(", ".join(block.get("text") or block["source"]["media_type"] for block in self.content[1:]))

    def step_pid(self, _: str) -> None:
        self.step_say(f"pid {os.getpid()}")

    def step_fail(self, text: str) -> None:
        raise Failed(text)

    def step_stop(self, reason: str) -> None:
        self.stop = reason

    def step_delay(self, seconds: str) -> None:
        end = time.monotonic() + float(seconds)
        while (rest := end - time.monotonic()) > 0:
            if (message := self.next(rest)) is not None:
                self.aside(message)

    def step_stderr(self, text: str) -> None:
        os.write(2, text.encode() + b"\n")

    def step_die(self, code: str) -> None:
        os._exit(int(code or 1))

    def step_garbage(self, number: str) -> None:
        for _ in range(int(number or 1)):
            os.write(1, b"what is this\n")

    def step_badline(self, _: str) -> None:
        send({"type": "assistant", "message": 7})
        send({"type": "stream_event"})
        send({"type": "result"})
        send({"type": ["a", "list"]})
        send({"type": "control_response", "response": {"subtype": "success", "request_id": "of-nobody"}})

    def step_hang(self, _: str) -> None:
        while True:
            self.next()

    def step_closestdout(self, _: str) -> None:
        os.close(1)
        signal.pause()


def main() -> None:
    flags = dict(zip(sys.argv, sys.argv[1:], strict=False))
    session = flags.get("--resume") or flags.get("--session-id") or "none"
    if "--resume" in flags and not (STATE / f"{session}.json").exists():
        os.write(2, f"No conversation found with session ID: {session}\n".encode())
        send({"type": "result", "subtype": "error_during_execution", "is_error": True, "errors": ["not found"]})
        sys.exit(1)
    Claude(session, resumed="--resume" in flags).main()


if __name__ == "__main__":
    main()
