import { expect, test } from "vitest";
import type { TaskStatus } from "#/api/schema";
import { type TaskPages, withTask } from "./live";
import { sample } from "./task.samples";

function listed(...ids: string[]): TaskPages {
  const items = ids.map((taskId) => sample({ taskId, createdAt: `2026-01-0${taskId}T00:00:00Z` }));
  return { pages: items.map((item) => ({ items: [item], nextCursor: null })), pageParams: ids };
}

function ids({ pages }: TaskPages): string[] {
  return pages.flatMap(({ items }) => items.map(({ taskId }) => taskId));
}

function told(taskId: string, status: TaskStatus = "running") {
  return sample({ taskId, status, createdAt: `2026-01-0${taskId}T00:00:00Z` });
}

test("what is newly known of a task stands in its place", () => {
  const list = withTask(listed("3", "2"), told("2"), null);
  expect(ids(list)).toEqual(["3", "2"]);
  expect(list.pages[1]?.items[0]?.status).toBe("running");
});

test("a new task comes first", () => {
  expect(ids(withTask(listed("3", "2"), told("4"), null))).toEqual(["4", "3", "2"]);
  expect(ids(withTask({ pages: [{ items: [], nextCursor: null }], pageParams: [""] }, told("1"), null))).toEqual(["1"]);
});

test("one that is older than what was loaded stays on its page", () => {
  expect(ids(withTask(listed("3", "2"), told("1"), null))).toEqual(["3", "2"]);
});

test("in a list of one status a task goes when it has another", () => {
  expect(ids(withTask(listed("3", "2"), told("3"), "queued"))).toEqual(["2"]);
  expect(ids(withTask(listed("3", "2"), told("4"), "queued"))).toEqual(["3", "2"]);
});
