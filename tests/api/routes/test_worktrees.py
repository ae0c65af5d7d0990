from tests.api.rooms import Room


async def commit(room: Room, session: str) -> None:
    terminal = await room.terminal(
        session, "/bin/sh", "-c", "git -c user.name=x -c user.email=x@example.org commit -q --allow-empty -m one"
    )
    async with room.connect(terminal) as ws:
        async for _ in ws:
            pass


async def test_a_worktree_is_made_shown_listed_and_removed(room: Room) -> None:
    session = await room.session()
    await commit(room, session)
    path = f"{room.base}/sessions/{session}/worktrees"
    made = await room.call("POST", path, {"branch": "topic", "start": "HEAD"}, status=201)
    assert (made["name"], made["branch"], made["sessionId"]) == ("topic", "topic", session)
    assert len(made["commit"]) == 40
    detached = await room.call("POST", path, {"name": "look"}, status=201)
    assert detached["branch"] is None
    assert await room.call("GET", f"{path}/{made['worktreeId']}", status=200) == made
    listed = await room.call("GET", path, status=200)
    assert [item["worktreeId"] for item in listed["items"]] == [made["worktreeId"], detached["worktreeId"]]
    await room.call("DELETE", f"{path}/{made['worktreeId']}", status=204)
    await room.call("GET", f"{path}/{made['worktreeId']}", status=404)


async def test_a_worktree_with_changes_goes_only_by_force(room: Room) -> None:
    session = await room.session()
    await commit(room, session)
    path = f"{room.base}/sessions/{session}/worktrees"
    worktree = (await room.call("POST", path, {"branch": "topic", "start": "HEAD"}, status=201))["worktreeId"]
    terminal = await room.terminal(session, "/bin/sh", "-c", "echo x > new; echo at=$PWD.", worktreeId=worktree)
    output = b""
    async with room.connect(terminal) as ws:
        async for message in ws:
            output += message.data if isinstance(message.data, bytes) else b""
    assert f"/worktrees/{worktree}.".encode() in output
    assert (await room.call("DELETE", f"{path}/{worktree}", status=409))["code"] == "conflict"
    await room.call("DELETE", f"{path}/{worktree}?force=maybe", status=422)
    await room.call("DELETE", f"{path}/{worktree}?force=true", status=204)


async def test_the_same_idempotency_key_makes_one_worktree(room: Room) -> None:
    session = await room.session()
    await commit(room, session)
    path = f"{room.base}/sessions/{session}/worktrees"
    for _ in range(2):
        await room.call("POST", path, {}, status=201, Idempotency_Key="k" * 20)
    assert len((await room.call("GET", path, status=200))["items"]) == 1
