"""The tools. `tests/api/test_sweep.py` sweeps them as it sweeps the routes."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from api.auth import Scope
from api.mcp.files import ReadArguments, WriteArguments, read_text, write_text
from api.mcp.schemas import TOLD, WAIT
from api.mcp.terminals import (
    RunArguments,
    ScreenArguments,
    TypeArguments,
    read_screen,
    run_command,
    type_text,
)
from api.mcp.tool import Tool
from api.routes import channels, files, log, permissions, repos, sessions, tasks, terminals, turns, workspaces
from api.routing import Context, Route


def _tool(handler: Callable[..., Awaitable[Any]], description: str, *left_out: str, **told: str) -> Tool:
    """The tool that does what a route does, under its name."""
    route = _route(handler)
    return Tool(name=route.name, description=description, route=route, left_out=frozenset(left_out), told=told)


def _working(
    name: str,
    handler: Callable[..., Awaitable[Any]],
    description: str,
    takes: type,
    work: Callable[[Context, Any], Awaitable[list[str]]],
    *,
    demands: Scope | None = None,
) -> Tool:
    """The tool that does `work` instead, for those who may do what a route does, and `demands`."""
    return Tool(name=name, description=description, route=_route(handler), work=work, takes=takes, demands=demands)


def _route(handler: Callable[..., Awaitable[Any]]) -> Route:
    route: Route = handler.__route__  # type: ignore[attr-defined]  # the mark of `@route`
    return route


TOOLS: Final[tuple[Tool, ...]] = (
    _tool(workspaces.list_workspaces, "The workspaces that this credential reaches. Each is a Linux user with sessions in it."),
    _tool(workspaces.get_workspace, "One workspace: its status, and which providers its agents can use."),
    Tool(
        name="create_workspace",
        description="Make a workspace. Its secret is not told here: whoever needs it rotates it over HTTP.",
        route=_route(workspaces.create_workspace),
        left_out=frozenset({"providers"}),
        withheld=frozenset({"workspaceSecret"}),
    ),
    _tool(sessions.list_sessions, "The sessions of a workspace, newest first. Each is a git clone in which agents work."),
    _tool(
        sessions.create_session,
        "Make a session: a clone of `repoUrl`, or an empty repository. With `wait` it answers when the clone has ended.",
        "auth",
    ),
    _tool(sessions.get_session, "One session: whether its clone has ended, when it was last used, what it has cost."),
    _tool(sessions.delete_session, "Delete a session with its files, worktrees and terminals. There is no way back."),
    _tool(
        turns.prompt,
        "Give an agent in a session a prompt. Answers the turn, which goes on by itself: with `wait` it answers when the turn "
        "has ended or the time is over. What the agent says is read with read_log, what it asks with list_permissions.",
        "worktree",
        agent="Which agent; without it, the default.",
        attachments="Ids of files that were attached to the session.",
    ),
    _tool(turns.get_turn, "How a turn stands. With `wait` it answers when the turn has ended or the time is over."),
    _tool(turns.cancel_turn, "Stop a turn."),
    _tool(permissions.list_permissions, "What the agents of a session ask leave for."),
    _tool(
        permissions.answer_permission,
        "Answer what an agent asks leave for: with one of its options, or with outcome `deny`.",
        optionId="The `id` of one of its options.",
    ),
    Tool(
        name="read_log",
        description="What the agents of a session said and did, in order: the events after number `after`.",
        route=_route(log.list_logged),
        told={
            "after": "The number (`seq`) of the last event that you have; 0 for the beginning.",
            "limit": "How many at most.",
        },
    ),
    _tool(files.list_files, "The files of a folder in a session.", depth="How many levels of folders.", git="Show `.git` too."),
    _working(
        "read_file",
        files.read_file,
        "Read a text file of a session, or a part of it. The second text of the result says which part, and where to go on.",
        ReadArguments,
        read_text,
    ),
    _working("write_file", files.write_file, "Write a text file of a session.", WriteArguments, write_text),
    _tool(
        files.search_files,
        "Search the text files of a session.",
        q="What to look for.",
        regex="Whether `q` is a regular expression.",
        glob="Only files whose name is like this, as `*.py`.",
        ignored="Search what git ignores too.",
        words="Whole words only.",
    ),
    _tool(repos.get_git_status, "Git's status of a session: the branch, and each path that differs."),
    _tool(
        repos.get_git_diff,
        "Git's differences: without arguments those of the files from the index; with base `HEAD`, all that is not committed.",
        base="From this commit.",
        target="To this commit.",
    ),
    _tool(
        repos.commit,
        "Commit `paths` as they are now, or `all`, or else what is staged.",
        message="The commit's message.",
        all="Everything that has changed.",
    ),
    _working(
        "run_command",
        terminals.create_terminal,
        "Run a command line with bash in a session. Answers what it printed and its exit code. If it has not ended within "
        "`wait` seconds it goes on, and the result names its terminal: look with read_screen, stop it with close_terminal.",
        RunArguments,
        run_command,
    ),
    _tool(
        terminals.create_terminal,
        "Start a program on a terminal, for what runs long or asks questions.",
        command="The program and its arguments; without it, a login shell.",
    ),
    _tool(terminals.list_terminals, "The terminals of a workspace."),
    _working(
        "type_terminal",
        terminals.attach_terminal,
        "Type into a terminal. Answers what it shows then.",
        TypeArguments,
        type_text,
        demands=Scope.TERMINALS_WRITE,
    ),
    _working(
        "read_screen",
        terminals.attach_terminal,
        "What a terminal shows. With `wait` it answers when the program has ended or the time is over.",
        ScreenArguments,
        read_screen,
    ),
    _tool(terminals.close_terminal, "End a terminal and all that runs in it."),
    _tool(
        tasks.create_task,
        "Queue a prompt as a job, which runs when its turn has come and is tried again if it fails. It works in a session of "
        "its own, unless one is named.",
        prompt="What the agent is to do.",
        agent="Which agent; without it, the default.",
        timeout="Seconds that one attempt may take.",
        attempts="How often it is tried at most when it fails.",
        permissions="How the agent's questions are answered, at once.",
        keepSession="Whether the task's own session stays when the task has ended.",
        repoUrl="What its own session is a clone of.",
    ),
    _tool(tasks.get_task, "How a task stands, and what its agent said last."),
    _tool(tasks.list_tasks, "The tasks of a workspace, newest first.", status="Only those that stand so."),
    _tool(tasks.cancel_task, "Stop a task, or take it out of the queue."),
    _tool(channels.list_channels, "The channels of a workspace: there its agents and people leave messages for each other."),
    _tool(channels.send_message, "Leave a message in a channel.", name="What you call yourself."),
    Tool(
        name="read_messages",
        description="The messages of a channel that follow number `after`. With `wait` it answers when there is one, or after "
        "so many seconds.",
        route=_route(channels.list_messages),
        told={"after": "The number of the last message that you have; 0 for the beginning.", "wait": TOLD[WAIT]},
    ),
)
"""In the order in which they are listed."""
BY_NAME: Final[Mapping[str, Tool]] = {tool.name: tool for tool in TOOLS}
