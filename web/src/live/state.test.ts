import fc from "fast-check";
import { expect, test } from "vitest";
import type { DeadlineView, PermissionView, SessionView, TerminalView, TurnView } from "#/api/schema";
import { EMPTY, type RoomState, reduce } from "./state";

function told(name: string, data: object, state: RoomState = EMPTY): RoomState {
  return reduce(state, { name, data: JSON.stringify(data) });
}

const session: SessionView = {
  sessionId: "s1",
  workspaceId: "w1",
  name: "hostel",
  status: "ready",
  repoUrl: "https://example.org/a/hostel.git",
  ref: null,
  progress: null,
  errorReason: null,
  createdAt: "2026-01-01T00:00:00Z",
  lastActivity: "2026-01-01T00:00:00Z",
  shutdownDeadline: null,
  usage: null,
};
const terminal: Partial<TerminalView> = { terminalId: "t1", sessionId: "s1", status: "running" };
const turn: Partial<TurnView> = { turnId: "u1", sessionId: "s1", status: "running" };
const permission: Partial<PermissionView> = { permissionId: "p1", sessionId: "s1", waiting: true };
const deadline: DeadlineView = { sessionId: "s1", workspaceId: "w1", kind: "idle", deadline: "2026-01-01T01:00:00Z" };

test("what is told is there, and what is told again is replaced", () => {
  let state = told("session", session);
  state = told("session", { ...session, name: "other" }, state);
  expect([...state.sessions.values()]).toEqual([{ ...session, name: "other" }]);
});

test("a session that is deleted takes with it what was in it", () => {
  let state = told("session", session);
  state = told("terminal", terminal, state);
  state = told("turn", turn, state);
  state = told("permission", permission, state);
  state = told("deadline", deadline, state);
  state = told("turn", { ...turn, turnId: "u2", sessionId: "s2" }, state);
  state = told("sessionDeleted", { sessionId: "s1", workspaceId: "w1" }, state);
  expect(state.sessions.size + state.terminals.size + state.permissions.size + state.deadlines.size).toBe(0);
  expect([...state.turns.keys()]).toEqual(["u2"]);
});

test("a terminal that is closed is gone", () => {
  const state = told("terminalClosed", { terminalId: "t1", workspaceId: "w1" }, told("terminal", terminal));
  expect(state.terminals.size).toBe(0);
});

test("a use of a session takes its warning away, but not that of the room", () => {
  let state = told("deadline", deadline);
  state = told("deadline", { ...deadline, sessionId: null }, state);
  state = told("session", session, state);
  expect([...state.deadlines.keys()]).toEqual([""]);
});

test("a session's end by its age is no matter of its use", () => {
  const state = told("session", session, told("deadline", { ...deadline, kind: "lifetime" }));
  expect(state.deadlines.size).toBe(1);
});

test("the room itself, and that all has been told", () => {
  const state = told("ready", {}, told("workspace", { workspaceId: "w1", status: "ready" }));
  expect(state.ready).toBe(true);
  expect(state.workspace?.status).toBe("ready");
});

test("an event changes its own map, and leaves the others as they are", () => {
  const before = told("session", session);
  const after = told("turn", turn, before);
  expect(after.turns).not.toBe(before.turns);
  expect(after.sessions).toBe(before.sessions);
  expect(after.permissions).toBe(before.permissions);
});

test("an event of another kind changes nothing, whatever its name", () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.constantFrom("task", "channel", "transcript", "toString", "__proto__", "constructor", "end"), fc.string()),
      (name) => {
        fc.pre(
          ![
            "workspace",
            "session",
            "sessionDeleted",
            "terminal",
            "terminalClosed",
            "turn",
            "permission",
            "deadline",
            "ready",
          ].includes(name),
        );
        expect(reduce(EMPTY, { name, data: "{}" })).toBe(EMPTY);
      },
    ),
  );
});

test("telling everything twice is the same as telling it once", () => {
  const event = fc.oneof(
    fc.record({ name: fc.constant("session"), id: fc.constantFrom("s1", "s2", "s3") }),
    fc.record({ name: fc.constant("sessionDeleted"), id: fc.constantFrom("s1", "s2", "s3") }),
  );
  fc.assert(
    fc.property(fc.array(event), (events) => {
      const tell = (state: RoomState, { name, id }: { name: string; id: string }) =>
        told(name, { ...session, sessionId: id }, state);
      const once = events.reduce(tell, EMPTY);
      expect(new Map(events.reduce(tell, once).sessions)).toEqual(new Map(once.sessions));
    }),
  );
});
