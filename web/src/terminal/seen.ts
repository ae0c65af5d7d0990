import { TerminalConnection } from "./connection";
import type { ConnectionOptions, ConnectionState } from "./states";

const URL = "ws://hostel.test/api/terminals/t";

/** For tests: a connection, and all that it has told. */
export class Seen {
  readonly states: ConnectionState[] = [];
  /** How many bytes came, and, where they are few at once, which. */
  bytes = 0;
  readonly output: number[] = [];
  readonly old: number[] = [];
  readonly sizes: [number, number, number | null][] = [];
  readonly refused: string[] = [];
  readonly undrawn: (() => void)[] = [];
  deadline: string | null = null;
  lost = 0;
  readonly connection: TerminalConnection;

  constructor(options: Partial<ConnectionOptions> = {}) {
    this.connection = new TerminalConnection(
      { url: URL, ...options },
      {
        state: (state) => this.states.push(state),
        output: (data, old, drawn) => {
          this.bytes += data.length;
          this.undrawn.push(drawn);
          if (data.length > 1000) return;
          this.output.push(...data);
          if (old) this.old.push(...data);
        },
        gap: (bytes) => {
          this.lost += bytes;
        },
        size: (...size) => this.sizes.push(size),
        deadline: (at) => {
          this.deadline = at;
        },
        refused: (message) => this.refused.push(message),
      },
    );
  }

  get names(): string[] {
    return this.states.map((state) => state.name);
  }

  draw(): void {
    for (const drawn of this.undrawn.splice(0)) drawn();
  }
}
