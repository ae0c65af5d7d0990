import type {
  ClosedTerminalView,
  DeadlineView,
  DeletedSessionView,
  PermissionView,
  SessionView,
  TerminalView,
  TurnView,
  WorkspaceStatusView,
} from "#/api/schema";
import type { Told } from "./stream";

/** What goes on in one room, as its stream of events tells it. Each map is replaced when something in it has changed. */
export interface RoomState {
  /** Whether all was told that was there at the beginning. */
  ready: boolean;
  workspace: WorkspaceStatusView | null;
  sessions: ReadonlyMap<string, SessionView>;
  terminals: ReadonlyMap<string, TerminalView>;
  /** Those that run, and those that have ended while this page looked. */
  turns: ReadonlyMap<string, TurnView>;
  /** Those that wait, and those that were answered while this page looked. */
  permissions: ReadonlyMap<string, PermissionView>;
  /** A warning that something is about to be ended, by the session's id, or "" for the whole room. */
  deadlines: ReadonlyMap<string, DeadlineView>;
}

export const EMPTY: RoomState = {
  ready: false,
  workspace: null,
  sessions: new Map(),
  terminals: new Map(),
  turns: new Map(),
  permissions: new Map(),
  deadlines: new Map(),
};

/** The events that this state holds. Others, like `task` and `channel`, are news for those who look at such things. */
interface Payloads {
  workspace: WorkspaceStatusView;
  session: SessionView;
  sessionDeleted: DeletedSessionView;
  terminal: TerminalView;
  terminalClosed: ClosedTerminalView;
  turn: TurnView;
  permission: PermissionView;
  deadline: DeadlineView;
  ready: object;
}

type Reducers = { [Name in keyof Payloads]: (state: RoomState, data: Payloads[Name]) => RoomState };

const REDUCERS: Reducers = {
  workspace: (state, workspace) => ({ ...state, workspace }),
  session: (state, data) => ({
    ...state,
    sessions: put(state.sessions, data.sessionId, data),
    // A use has moved it away; the end of a lifetime stays.
    deadlines: without(state.deadlines, (due) => due.sessionId === data.sessionId && due.kind !== "lifetime"),
  }),
  sessionDeleted: (state, { sessionId }) => {
    const its = (part: { sessionId: string | null }) => part.sessionId === sessionId;
    return {
      ...state,
      sessions: drop(state.sessions, sessionId),
      terminals: without(state.terminals, its),
      turns: without(state.turns, its),
      permissions: without(state.permissions, its),
      deadlines: without(state.deadlines, its),
    };
  },
  terminal: (state, data) => ({ ...state, terminals: put(state.terminals, data.terminalId, data) }),
  terminalClosed: (state, { terminalId }) => ({ ...state, terminals: drop(state.terminals, terminalId) }),
  turn: (state, data) => ({ ...state, turns: put(state.turns, data.turnId, data) }),
  permission: (state, data) => ({ ...state, permissions: put(state.permissions, data.permissionId, data) }),
  deadline: (state, data) => ({ ...state, deadlines: put(state.deadlines, data.sessionId ?? "", data) }),
  ready: (state) => ({ ...state, ready: true }),
};

/** The state after an event. One that it does not know changes nothing. */
export function reduce(state: RoomState, { name, data }: Told): RoomState {
  return isKnown(name) ? apply(name, state, data) : state;
}

function apply<Name extends keyof Payloads>(name: Name, state: RoomState, data: string): RoomState {
  const payload: Payloads[Name] = JSON.parse(data);
  return REDUCERS[name](state, payload);
}

function isKnown(name: string): name is keyof Payloads {
  return Object.hasOwn(REDUCERS, name);
}

function put<V>(map: ReadonlyMap<string, V>, key: string, value: V): ReadonlyMap<string, V> {
  return new Map(map).set(key, value);
}

function drop<V>(map: ReadonlyMap<string, V>, key: string): ReadonlyMap<string, V> {
  if (!map.has(key)) return map;
  const next = new Map(map);
  next.delete(key);
  return next;
}

function without<V>(map: ReadonlyMap<string, V>, gone: (value: V) => boolean): ReadonlyMap<string, V> {
  const left = [...map].filter(([, value]) => !gone(value));
  return left.length === map.size ? map : new Map(left);
}
