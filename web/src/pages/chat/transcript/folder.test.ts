import { expect, test } from "vitest";
import { folderOf, within } from "./folder";

const [W, S, T] = [`w${"0".repeat(24)}`, `s${"1".repeat(24)}`, `wt${"2".repeat(24)}`];
const CLONE = `/home/${W}/vibecoder_workspace/sessions/${S}/repo`;
const WORKTREE = `/home/${W}/vibecoder_workspace/sessions/${S}/worktrees/${T}`;
const clone = folderOf(W, S, null);

test.each([
  [`Read ${CLONE}/src/x.py`, "Read src/x.py"],
  [`Read ${CLONE}/src/x.py (1 - 20)`, "Read src/x.py (1 - 20)"],
  [`Edit \`${CLONE}/a.ts\``, "Edit `a.ts`"],
  [`cd ${CLONE} && make`, "cd . && make"],
  [`ls ${CLONE}/`, "ls ."],
  [`cat ${CLONE}//etc/passwd`, "cat etc/passwd"],
  [`grep -r "x" '${CLONE}'`, `grep -r "x" '.'`],
  [`${CLONE}/a, ${CLONE}/b`, "a, b"],
  [`diff --from-file=${CLONE}/a`, "diff --from-file=a"],
])("%s is told from the clone", (title, shown) => {
  expect(within(clone, title)).toBe(shown);
});

test.each([
  ["what lies beside the clone", `Read ${CLONE}-old/a.ts`],
  ["what lies in a worktree", `Read ${WORKTREE}/a.ts`],
  ["what lies in another session", `Read ${CLONE.replaceAll("1", "3")}/a.ts`],
  ["what lies in another workspace", `Read ${CLONE.replaceAll("0", "4")}/a.ts`],
  ["a path that is in a path", `Read file:///x${CLONE}/a.ts`],
  ["a relative path", `Read .${CLONE}/a.ts`],
])("%s keeps its whole path", (_, title) => {
  expect(within(clone, title)).toBe(title);
});

test("in a worktree paths are told from there", () => {
  const worktree = folderOf(W, S, T);
  expect(within(worktree, `Edit ${WORKTREE}/a.ts`)).toBe("Edit a.ts");
  expect(within(worktree, `Edit ${CLONE}/a.ts`)).toBe(`Edit ${CLONE}/a.ts`);
});

test("a title of any sort is read in no time", () => {
  const began = performance.now();
  within(clone, `${"/".repeat(500)}${clone}${"/".repeat(500)}`.repeat(2));
  expect(performance.now() - began).toBeLessThan(1000);
});
