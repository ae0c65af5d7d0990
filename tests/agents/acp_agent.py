"""A fake agent that speaks the Agent Client Protocol, version 1, on its standard input and output.

Run it by itself: `python -I acp_agent.py [OPTION…]`. It needs the standard library alone, and starts fast. A prompt is its
script, one directive a line; lines that are none are ignored, and a prompt without any is answered with `Hello.`:

    say TEXT             a piece of a message
    think TEXT           a piece of thinking
    count N              N pieces: `1 `, `2 `, …
    lines N              N pieces of one line each
    times N              N pieces that are the time, in nanoseconds, some milliseconds apart
    tool KIND TITLE      a tool call that completes
    run COMMAND          a tool call that runs a shell command
    ask COMMAND          the same, after a permission
    grow N BYTES         a tool call that tells N times all that it has printed, each time so many bytes more, and goes on
    redraw N BYTES       the same with an output that is always another, and always so long
    done                 the tool call that goes on completes, without a word
    edit PATH TEXT       a tool call that writes a file, with a diff
    plan A | B | C       a plan
    mode ID, model ID    it chooses by itself
    usage IN OUT [READ]  what the turn used
    quota MODEL          which model it was, as adapters tell it
    cost DOLLARS         what the conversation cost so far
    history              says all earlier prompts
    env NAME, cwd, pid   says it
    attached             says what came with the prompt
    request METHOD       calls the client; says its answer
    ask-many N           asks for N permissions at once, and waits for no answer
    delay SECONDS        waits; a cancel ends it
    wait PATH            waits until the file is there; a cancel ends it
    stop REASON, refuse  ends the turn so
    error MESSAGE        answers with a JSON-RPC error
    die [CODE]           exits
    suicide              kills itself by SIGKILL
    stderr TEXT          one line on standard error
    fork                 starts a child in a session of its own, which stays, and holds standard output open
    strip                the same with an empty environment
    garbage [N]          N lines that are no JSON
    half                 half a frame, without its end
    huge N               a piece of a message of N bytes
    values N             a line of N empty lists
    babble               bytes without an end, and no newline among them
    endless              pieces until it is cancelled
    closestdout          closes its standard output, and stays
    badupdate            updates that break the protocol
    surrogate            half of a surrogate pair
    wrongid              answers a request that was never made, and never the real one
    twice                answers the prompt twice
    hang                 never answers again, whatever comes
    stubborn             from now on cancels are ignored

Options: --no-load, --no-resume (it cannot), --bad-load (it says that it can, and fails), --sign-in (a conversation needs
`authenticate` first), --no-key (and has no method for it), --version N (of its protocol), --die CODE, --hang, --garbage (at its
start), --linger (stays when its input ends), --plain (neither modes nor models).
Conversations persist in `~/.fake-agent/`; the pids of children are in `~/.fake-agent/children`.
"""

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Object = dict[str, Any]

STATE = Path(os.environ.get("HOME", "/nonexistent")) / ".fake-agent"
MODES = [{"id": "ask", "name": "Ask first"}, {"id": "code", "name": "Write code"}]
MODELS = ["small", "large"]
OPTIONS = [
    {"optionId": "yes", "name": "Yes", "kind": "allow_once"},
    {"optionId": "always", "name": "Always", "kind": "allow_always"},
    {"optionId": "no", "name": "No", "kind": "reject_once"},
    {"optionId": "never", "name": "Never", "kind": "reject_always"},
]


class Cancelled(Exception):  # noqa: N818  # not an error
    pass


class Refused(Exception):  # noqa: N818  # the script wants it
    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def write(data: bytes) -> None:
    while data:
        data = data[os.write(1, data) :]


def send(message: Object) -> None:
    write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")


class Reader:
    """Lines of standard input, with a deadline."""

    def __init__(self) -> None:
        self.buffer = bytearray()
        self.lines: list[bytes] = []

    def next(self, timeout: float | None = None) -> Object | None:
        """The next message; None when none comes in time."""
        end = None if timeout is None else time.monotonic() + timeout
        while not self.lines:
            rest = None if end is None else max(0.0, end - time.monotonic())
            if not select.select([0], [], [], rest)[0]:
                return None
            chunk = os.read(0, 1 << 20)
            if not chunk:
                ended()
            parts = chunk.split(b"\n")
            self.buffer += parts[0]
            for part in parts[1:]:
                self.lines.append(bytes(self.buffer))
                self.buffer = bytearray(part)
        message: Object = json.loads(self.lines.pop(0))
        return message


def ended() -> None:
    if "--linger" in sys.argv:
        signal.pause()
    sys.exit(0)


class Agent:
    def __init__(self) -> None:
        self.reader = Reader()
        self.session = ""
        self.prompts: list[str] = []
        self.mode, self.model = "ask", "small"
        self.calls = 0
        self.going = ""
        self.requests = 0
        self.usage: Object | None = None
        self.meta: Object | None = None
        self.stop = "end_turn"
        self.stubborn = False
        self.signed_in = False
        self.answers = 1
        self.prompt: list[Object] = []

    # Messages

    def update(self, kind: str, /, **fields: object) -> None:
        send({"method": "session/update", "params": {"sessionId": self.session, "update": {"sessionUpdate": kind, **fields}}})

    def say(self, text: str, kind: str = "agent_message_chunk") -> None:
        self.update(kind, content={"type": "text", "text": text})

    def call(self, method: str, /, **params: object) -> Object:
        """Ask the client; its whole answer."""
        self.requests += 1
        number = self.requests
        send({"id": number, "method": method, "params": params})
        while True:
            message = self.reader.next()
            assert message is not None
            if message.get("id") == number and "method" not in message:
                return message
            self.aside(message)

    def aside(self, message: Object) -> None:
        """What comes while a prompt is being worked on."""
        if message.get("method") == "session/cancel":
            if not self.stubborn:
                raise Cancelled
        elif "id" in message and "method" in message:
            self.answer(message)

    # Requests

    def answer(self, message: Object) -> None:
        method, params, number = message["method"], message.get("params") or {}, message["id"]
        handler = getattr(self, "do_" + method.replace("/", "_"), None)
        try:
            result = handler(params) if handler else self.unknown(method)
        except Refused as error:
            send({"id": number, "error": {"code": error.code, "message": str(error), "data": {"method": method}}})
        else:
            for _ in range(self.answers):
                send({"id": number, "result": result})
            self.answers = 1

    def unknown(self, method: str) -> Object:
        raise Refused(-32601, f"no method {method}")

    def do_initialize(self, params: Object) -> Object:
        capabilities: Object = {"promptCapabilities": {"image": True, "embeddedContext": False}}
        if "--no-load" not in sys.argv:
            capabilities["loadSession"] = True
        if "--no-resume" not in sys.argv:
            capabilities["sessionCapabilities"] = {"resume": {}}
        self.client = params.get("clientCapabilities")
        return {
            "protocolVersion": int(sys.argv[sys.argv.index("--version") + 1]) if "--version" in sys.argv else 1,
            "agentCapabilities": capabilities,
            "agentInfo": {"name": "fake", "version": "1"},
            "authMethods": []
            if "--no-key" in sys.argv
            else [{"id": "browser", "name": "B"}, {"id": "fake-api-key", "name": "K"}],
        }

    def do_authenticate(self, params: Object) -> Object:
        self.signed_in = params["methodId"] == "fake-api-key"
        return {}

    def state(self) -> Object:
        if "--plain" in sys.argv:
            return {}
        return {"modes": {"currentModeId": self.mode, "availableModes": MODES}, "configOptions": self.options()}

    def options(self) -> list[Object]:
        choices = [{"value": name, "name": name.title()} for name in MODELS]
        return [
            {
                "id": "model",
                "name": "Model",
                "category": "model",
                "type": "select",
                "currentValue": self.model,
                "options": choices,
            },
            {"id": "fast", "name": "Fast", "type": "boolean", "currentValue": False},
        ]

    def do_session_new(self, params: Object) -> Object:
        if "--sign-in" in sys.argv and not self.signed_in:
            raise Refused(-32000, "Authentication required")
        self.session = f"fake-{os.urandom(6).hex()}"
        self.cwd = params["cwd"]
        self.save()
        return {"sessionId": self.session, **self.state()}

    def do_session_load(self, params: Object) -> Object:
        if "--no-load" in sys.argv:
            raise Refused(-32601, "cannot load")
        self.resume(params)
        for text in self.prompts:
            self.say(text, "user_message_chunk")
            self.say("an old answer")
        return self.state()

    def do_session_resume(self, params: Object) -> Object:
        if "--no-resume" in sys.argv:
            raise Refused(-32601, "cannot resume")
        self.resume(params)
        return self.state()

    def resume(self, params: Object) -> None:
        path = STATE / f"{params['sessionId']}.json"
        if "--bad-load" in sys.argv or not path.exists():
            raise Refused(-32002, "Resource not found")
        self.session = params["sessionId"]
        self.prompts = json.loads(path.read_text())

    def save(self) -> None:
        STATE.mkdir(mode=0o700, exist_ok=True)
        path = STATE / f"{self.session}.json"
        path.with_suffix(".new").write_text(json.dumps(self.prompts))
        path.with_suffix(".new").replace(path)

    def do_session_set_mode(self, params: Object) -> Object:
        if params["modeId"] not in [mode["id"] for mode in MODES]:
            raise Refused(-32602, "no such mode")
        self.mode = params["modeId"]
        return {}

    def do_session_set_config_option(self, params: Object) -> Object:
        if params["configId"] != "model" or params["value"] not in MODELS:
            raise Refused(-32602, "no such value")
        self.model = params["value"]
        return {"configOptions": self.options()}

    def reset(self) -> None:
        self.usage, self.meta, self.stop, self.stubborn = None, None, "end_turn", False

    def do_session_prompt(self, params: Object) -> Object:
        if params["sessionId"] != self.session:
            raise Refused(-32602, "another conversation")
        self.prompt = params["prompt"]
        text = "\n".join(block["text"] for block in self.prompt if block["type"] == "text")
        self.reset()
        earlier = list(self.prompts)
        self.prompts.append(text[:10_000])
        self.save()
        try:
            known = False
            for line in text.splitlines():
                verb, _, rest = line.strip().partition(" ")
                step = getattr(self, "step_" + verb.replace("-", "_"), None)
                if step is not None:
                    known = True
                    while (message := self.reader.next(0)) is not None:
                        self.aside(message)
                    step("; ".join(earlier) if verb == "history" else rest)
            if not known:
                self.say("Hello.")
        except Cancelled:
            self.stop = "cancelled"
        extra = {"usage": self.usage, "_meta": self.meta}
        return {"stopReason": self.stop, **{name: value for name, value in extra.items() if value}}

    # Directives

    def step_say(self, text: str) -> None:
        self.say(text)

    step_history = step_say

    def step_think(self, text: str) -> None:
        self.say(text, "agent_thought_chunk")

    def step_times(self, number: str) -> None:
        for _ in range(int(number)):
            self.step_delay("0.005")
            self.say(str(time.time_ns()))

    def step_count(self, number: str) -> None:
        for i in range(1, int(number) + 1):
            self.say(f"{i} ")

    def step_lines(self, number: str) -> None:
        for i in range(1, int(number) + 1):
            self.say(f"line {i}\n")

    def step_tool(self, text: str) -> None:
        kind, _, title = text.partition(" ")
        call = self.begin(kind, title, {"title": title})
        self.finish(call, f"output of {title}")

    def begin(self, kind: str, title: str, raw: Object) -> str:
        self.calls += 1
        call = f"call-{os.getpid()}-{self.calls}"
        self.update("tool_call", toolCallId=call, title=title, kind=kind, status="pending", rawInput=raw)
        return call

    def finish(self, call: str, output: str, status: str = "completed") -> None:
        self.update("tool_call_update", toolCallId=call, status="in_progress")
        content = [{"type": "content", "content": {"type": "text", "text": output}}]
        self.update("tool_call_update", toolCallId=call, status=status, content=content)

    def step_run(self, command: str) -> None:
        self.run(self.begin("execute", command, {"command": command}), command)

    def run(self, call: str, command: str) -> None:
        result = subprocess.run(
            ["/bin/sh", "-c", command], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        self.finish(call, result.stdout + result.stderr, "failed" if result.returncode else "completed")

    def step_ask(self, command: str) -> None:
        call = self.begin("execute", command, {"command": command})
        tool = {"toolCallId": call, "title": command, "kind": "execute", "status": "pending", "rawInput": {"command": command}}
        answer = self.call("session/request_permission", sessionId=self.session, toolCall=tool, options=OPTIONS)
        outcome = answer["result"]["outcome"] if "result" in answer else {"outcome": f"error {answer['error']['code']}"}
        if outcome["outcome"] == "selected" and outcome["optionId"] in {"yes", "always"}:
            self.say(f"allowed by {outcome['optionId']}")
            self.run(call, command)
        else:
            self.finish(call, "not allowed", "failed")
            self.say(f"denied by {outcome.get('optionId', outcome['outcome'])}")

    def step_ask_many(self, number: str) -> None:
        for i in range(int(number)):
            tool = {"toolCallId": f"many-{i}", "title": f"number {i}", "kind": "other"}
            params = {"sessionId": self.session, "toolCall": tool, "options": OPTIONS}
            send({"id": 1_000_000 + i, "method": "session/request_permission", "params": params})
        self.step_delay("1000")

    def step_grow(self, text: str) -> None:
        number, size = map(int, text.split())
        self.printing("Grow", ("." * size * i for i in range(1, number + 1)))

    def step_redraw(self, text: str) -> None:
        number, size = map(int, text.split())
        self.printing("Redraw", (str(i).rjust(size) for i in range(1, number + 1)))

    def printing(self, title: str, outputs: Iterator[str]) -> None:
        self.going = self.begin("execute", title, {})
        self.update("tool_call_update", toolCallId=self.going, status="in_progress")
        for output in outputs:
            content = [{"type": "content", "content": {"type": "text", "text": output}}]
            self.update("tool_call_update", toolCallId=self.going, content=content)

    def step_done(self, _: str) -> None:
        self.update("tool_call_update", toolCallId=self.going, status="completed")

    def step_edit(self, text: str) -> None:
        path, _, content = text.partition(" ")
        call = self.begin("edit", f"Edit {path}", {"path": path})
        Path(path).write_text(content)
        diff = {"type": "diff", "path": os.path.abspath(path), "oldText": None, "newText": content}
        self.update("tool_call_update", toolCallId=call, status="completed", content=[diff])

    def step_plan(self, text: str) -> None:
        entries = [{"content": entry.strip(), "priority": "medium", "status": "pending"} for entry in text.split("|")]
        self.update("plan", entries=entries)

    def step_mode(self, mode: str) -> None:
        self.mode = mode
        self.update("current_mode_update", currentModeId=mode)

    def step_model(self, model: str) -> None:
        self.model = model
        self.update("config_option_update", configOptions=self.options())

    def step_usage(self, text: str) -> None:
        numbers = [int(word) for word in text.split()]
        self.usage = {"inputTokens": numbers[0], "outputTokens": numbers[1], "totalTokens": sum(numbers)}
        if len(numbers) > 2:
            self.usage["cachedReadTokens"] = numbers[2]

    def step_quota(self, model: str) -> None:
        self.meta = {"quota": {"model_usage": [{"model": model}]}}

    def step_cost(self, dollars: str) -> None:
        self.update("usage_update", used=1000, size=200_000, cost={"amount": float(dollars), "currency": "USD"})

    def step_env(self, name: str) -> None:
        self.say(f"{name}={os.environ.get(name)}")

    def step_cwd(self, _: str) -> None:
        self.say(os.getcwd())

    def step_pid(self, _: str) -> None:
        self.say(f"pid {os.getpid()}")

    def step_attached(self, _: str) -> None:
        self.say(", ".join(f"{block['type']}:{block.get('name') or block.get('mimeType')}" for block in self.prompt[1:]))

    def step_request(self, method: str) -> None:
        params: Object = {"path": "/etc/passwd"} if method.startswith("fs/") else {"command": "id"}
        if method.startswith("elicitation/"):
            params = {"message": "Who?", "mode": "form", "requestedSchema": {"type": "object", "properties": {}}}
        answer = self.call(method, sessionId=self.session, **params)
        self.say(json.dumps(answer.get("result") or answer.get("error", {}).get("code")))

    def step_delay(self, seconds: str) -> None:
        end = time.monotonic() + float(seconds)
        while (rest := end - time.monotonic()) > 0:
            if (message := self.reader.next(rest)) is not None:
                self.aside(message)

    def step_wait(self, path: str) -> None:
        while not os.path.exists(path):
            self.step_delay("0.01")

    def step_stop(self, reason: str) -> None:
        self.stop = reason

    def step_refuse(self, _: str) -> None:
        self.stop = "refusal"

    def step_error(self, message: str) -> None:
        raise Refused(-32603, message)

    def step_die(self, code: str) -> None:
        os._exit(int(code or 1))

    def step_suicide(self, _: str) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def step_stderr(self, text: str) -> None:
        os.write(2, text.encode() + b"\n")

    def step_fork(self, _: str) -> None:
        # By the time that it sleeps, its parent is gone: only its environment tells whose it is.
        self.child(["/bin/sh", "-c", "sleep 1000 & echo $! >&2"])

    def step_strip(self, _: str) -> None:
        # Only its parent tells.
        self.child(["/usr/bin/env", "-i", "/bin/sh", "-c", "echo $$ >&2; exec sleep 1000"])

    def child(self, argv: list[str]) -> None:
        child = subprocess.Popen(argv, stderr=subprocess.PIPE, start_new_session=True, text=True)
        assert child.stderr is not None
        pid = child.stderr.readline()
        STATE.mkdir(mode=0o700, exist_ok=True)
        with (STATE / "children").open("a") as file:
            file.write(pid)
        self.say(f"child {pid.strip()}")

    def step_garbage(self, number: str) -> None:
        for i in range(int(number or 1)):
            write(b"this is not JSON \xff\x00 %d\n" % i)

    def step_half(self, _: str) -> None:
        write(b'{"jsonrpc": "2.0", "method": "session/upd')

    def step_huge(self, number: str) -> None:
        head = json.dumps({"jsonrpc": "2.0", "method": "session/update", "params": {"sessionId": self.session, "update": {
            "sessionUpdate": "agent_message_chunk", "content": {"type": "text", "text": "@"}}}}).encode()  # fmt: skip
        before, after = head.split(b"@")
        write(before)
        rest = int(number)
        while rest > 0:
            write(b"x" * min(rest, 1 << 20))
            rest -= 1 << 20
        write(after + b"\n")

    def step_values(self, number: str) -> None:
        write(b'{"jsonrpc":"2.0","method":"session/update","params":[' + b"[]," * int(number) + b"0]}\n")

    def step_babble(self, _: str) -> None:
        while True:
            write(b"x" * (1 << 16))

    def step_endless(self, _: str) -> None:
        i = 0
        while True:
            i += 1
            self.say(f"{i} ")
            while (message := self.reader.next(0)) is not None:
                self.aside(message)

    def step_closestdout(self, _: str) -> None:
        os.close(1)
        signal.pause()

    def step_badupdate(self, _: str) -> None:
        self.update("no_such_update", content=1)
        self.update("agent_message_chunk", content={"type": "text", "text": 7})
        send({"method": "session/update", "params": [1, 2]})
        send({"method": "session/update", "params": {"sessionId": 3}})
        send({"method": "no/such/method"})

    def step_surrogate(self, _: str) -> None:
        self.say("half: \ud83d")

    def step_wrongid(self, _: str) -> None:
        send({"id": 123_456, "result": {"stopReason": "end_turn"}})
        signal.pause()

    def step_twice(self, _: str) -> None:
        self.answers = 2

    def step_hang(self, _: str) -> None:
        while True:
            self.reader.next()

    def step_stubborn(self, _: str) -> None:
        self.stubborn = True


def main() -> None:
    if "--die" in sys.argv:
        os.write(2, b"the agent cannot start\n")
        sys.exit(int(sys.argv[sys.argv.index("--die") + 1]))
    if "--garbage" in sys.argv:
        write(b"Welcome to the agent!\n")
    agent = Agent()
    while True:
        message = agent.reader.next()
        assert message is not None
        if "--hang" in sys.argv:
            continue
        if "id" in message and "method" in message:
            agent.answer(message)


if __name__ == "__main__":
    main()
