import type { ToolCallView } from "#/api/schema";
import type { Asked, Item, Logged, ToolUse, Turn } from "./turn";

/** What a log says so far. A turn, and an item of it, is another object when something in it has changed, and else the same. */
export interface LogState {
  /** The number of the last event that is in it. */
  seq: number;
  /** In the order in which they began. */
  turns: ReadonlyMap<string, Turn>;
  /** The permissions that wait, of all agents and worktrees, oldest first. */
  waiting: ReadonlyMap<string, Asked>;
  /** The number of the last event that told what an agent offers. */
  offered: number;
}

export const EMPTY: LogState = { seq: 0, turns: new Map(), waiting: new Map(), offered: 0 };

/** The state after these events, of which those that it knows already change nothing. */
export function fold(before: LogState, events: readonly Logged[]): LogState {
  const fresh = events.filter((event) => event.seq > before.seq);
  if (fresh.length === 0) return before;
  const draft = new Draft(before);
  for (const event of fresh) draft.take(event);
  return draft.done();
}

/** A turn whose items may still be changed. */
type Open = Omit<Turn, "items"> & { items: Item[] };

/** A state in the making: each turn is copied once, however many events change it. */
class Draft {
  #seq: number;
  #offered: number;
  readonly #turns: Map<string, Turn>;
  readonly #open = new Map<string, Open>();
  #waiting: ReadonlyMap<string, Asked>;
  /** The turn of each agent that began last: what comes between turns stands behind it. */
  readonly #latest = new Map<string, string>();

  constructor(before: LogState) {
    this.#seq = before.seq;
    this.#offered = before.offered;
    this.#turns = new Map(before.turns);
    this.#waiting = before.waiting;
    for (const turn of before.turns.values()) this.#latest.set(turn.agent, turn.turnId);
  }

  take(event: Logged): void {
    if (event.seq <= this.#seq) return;
    this.#seq = event.seq;
    if (event.type === "agentState") this.#offered = event.seq;
    else if (event.type === "turnStarted") this.#begin(event);
    else {
      const turn = this.#turn(event.turnId ?? this.#latest.get(event.agent));
      if (turn !== undefined) this.#tell(turn, event);
    }
  }

  done(): LogState {
    for (const [turnId, turn] of this.#open) this.#turns.set(turnId, turn);
    return { seq: this.#seq, turns: this.#turns, waiting: this.#waiting, offered: this.#offered };
  }

  #begin(event: Extract<Logged, { type: "turnStarted" }>): void {
    const { turnId, agent, worktreeId, at, seq, text, attachments } = event;
    if (turnId === null) return;
    this.#latest.set(agent, turnId);
    const turn: Open = { turnId, seq, agent, worktreeId, startedAt: at, text, attachments, items: [], ended: null };
    this.#open.set(turnId, turn);
    // A log that a tenant has written may begin a turn twice: the last of the turns is the one that began last.
    this.#turns.delete(turnId);
    this.#turns.set(turnId, turn);
  }

  #turn(turnId: string | undefined): Open | undefined {
    if (turnId === undefined) return undefined;
    const open = this.#open.get(turnId);
    if (open !== undefined) return open;
    const known = this.#turns.get(turnId);
    if (known === undefined) return undefined;
    const turn = { ...known, items: [...known.items] };
    this.#open.set(turnId, turn);
    return turn;
  }

  #tell(turn: Open, event: Exclude<Logged, { type: "turnStarted" | "agentState" }>): void {
    const { items } = turn;
    switch (event.type) {
      case "message":
      case "thought":
        say(items, event.type, event.seq, event.text);
        break;
      case "toolCall":
        use(items, event);
        break;
      case "plan":
        replace(items, (item) => item.kind === "plan", { kind: "plan", seq: event.seq, entries: event.entries });
        break;
      case "notice":
        items.push({ kind: "notice", seq: event.seq, text: event.text });
        break;
      case "permissionAsked":
        this.#ask(turn, event);
        break;
      case "permissionAnswered":
        this.#answer(items, event);
        break;
      case "turnEnded":
        turn.ended = event;
        this.#wait((waiting) => {
          for (const asked of [...waiting.values()]) if (asked.turnId === turn.turnId) waiting.delete(asked.permissionId);
        });
    }
  }

  #ask(turn: Open, event: Extract<Logged, { type: "permissionAsked" }>): void {
    const { seq, permissionId, title, kind: does, input, truncated, options, deadline } = event;
    const { turnId } = turn;
    const asked: Asked = {
      ...{ kind: "permission", seq, permissionId, turnId, title, does, input, truncated, options, deadline, answer: null },
    };
    turn.items.push(asked);
    this.#wait((waiting) => waiting.set(permissionId, asked));
  }

  #answer(items: Item[], event: Extract<Logged, { type: "permissionAnswered" }>): void {
    const { permissionId, answeredBy: by, optionId } = event;
    const at = items.findLastIndex((item) => item.kind === "permission" && item.permissionId === permissionId);
    const asked = items[at];
    if (asked?.kind === "permission") items[at] = { ...asked, answer: { by, optionId } };
    this.#wait((waiting) => waiting.delete(permissionId));
  }

  #wait(change: (waiting: Map<string, Asked>) => void): void {
    const next = new Map(this.#waiting);
    change(next);
    this.#waiting = next;
  }
}

/** Pieces that follow each other are one text. */
function say(items: Item[], kind: "message" | "thought", seq: number, text: string): void {
  const last = items.at(-1);
  if (last?.kind === kind) items[items.length - 1] = { ...last, text: last.text + text };
  else items.push({ kind, seq, text });
}

function use(items: Item[], event: ToolCallView): void {
  const at = items.findLastIndex((item) => item.kind === "tool" && item.call === event.call);
  const before = items[at];
  if (before?.kind === "tool") items[at] = changed(before, event);
  else items.push(changed(begun(event), event));
}

function begun({ seq, call }: ToolCallView): ToolUse {
  const nothing = { input: null, output: null, truncated: false } as const;
  return { kind: "tool", seq, call, title: "", does: "other", status: "pending", ...nothing };
}

function changed(tool: ToolUse, event: ToolCallView): ToolUse {
  return {
    ...tool,
    title: event.title ?? tool.title,
    does: event.kind ?? tool.does,
    status: event.status ?? tool.status,
    input: event.input ?? tool.input,
    output: event.output ?? tool.output,
    truncated: event.truncated || tool.truncated,
  };
}

/** Put `next` in the place of the first item of its sort, or behind all when there is none. */
function replace(items: Item[], isSame: (item: Item) => boolean, next: Item): void {
  const at = items.findIndex(isSame);
  if (at < 0) items.push(next);
  else items[at] = next;
}
