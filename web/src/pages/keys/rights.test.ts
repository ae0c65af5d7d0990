import { expect, test } from "vitest";
import { GROUPS, isRight, RANKS, RIGHTS, rightsOf } from "./rights";

test("a key of a workspace has nothing to do with organisations or the host", () => {
  expect(rightsOf("workspace").filter((right) => /^(organisations|members|server):/.test(right))).toEqual([]);
});

test("a key of the host enters no workspace", () => {
  expect(rightsOf("admin").filter((right) => /^(sessions|terminals|turns|files|git|secrets|tasks):/.test(right))).toEqual([]);
});

test("a key that is bound to workspaces makes no others, and nothing that outlives it", () => {
  const lost = rightsOf("organisation").filter((right) => !rightsOf("organisation", true).includes(right));
  expect(lost.sort()).toEqual([
    "handover",
    "keys:write",
    "members:write",
    "organisations:write",
    "secret:rotate",
    "workspaces:create",
  ]);
});

test("each right is in a group that is shown, and some key can have it", () => {
  for (const { group, kinds } of Object.values(RIGHTS)) {
    expect(GROUPS).toContain(group);
    expect(kinds.length).toBeGreaterThan(0);
  }
});

test("what every credential has is no right to be given", () => {
  expect(isRight("self")).toBe(false);
  expect(isRight("toString")).toBe(false);
  expect(isRight("keys:read")).toBe(true);
});

test("nobody makes a key that is an owner", () => {
  expect(RANKS.map(({ rank }) => rank)).toEqual(["viewer", "member", "admin"]);
});
