import { Terminal } from "@xterm/xterm";
import { expect, test } from "vitest";
import { limitCounts } from "./limits";

async function drawn(text: string): Promise<string> {
  const terminal = new Terminal({ cols: 20, rows: 4, allowProposedApi: true });
  limitCounts(terminal.parser, () => 40);
  await new Promise<void>((resolve) => terminal.write(text, resolve));
  const { active } = terminal.buffer;
  return Array.from({ length: 4 }, (_, at) => active.getLine(active.baseY + at)?.translateToString(true)).join("|");
}

test("a count that a screen has room for is done", async () => {
  expect(await drawn("a\x1b[4b")).toBe("aaaaa|||");
  expect(await drawn("a\r\nb\x1b[1S")).toBe("b|||");
});

test.each(["b", "I", "Z", "L", "M", "S", "T"])(
  "a count of two thousand millions for %s takes no time",
  async (final) => {
    expect(await drawn(`a\r\nb\x1b[2147483647${final}c`)).toMatch(/^a\|bc?/);
  },
  2_000,
);
