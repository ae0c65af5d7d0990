import { screen } from "@testing-library/dom";
import userEvent from "@testing-library/user-event";
import { afterEach, expect, test, vi } from "vitest";
import { durationOf, type Status, StatusBar } from "./statusbar";

const STATUS: Status = {
  connection: { name: "connected", readOnly: false },
  size: { cols: 80, rows: 24 },
  shrunk: false,
  viewers: 1,
  deadline: null,
  link: null,
  readOnly: false,
  notice: "",
};

function shown(status: Partial<Status>, keepAlive: (() => void) | null = null, retry: () => void = () => {}): StatusBar {
  const bar = new StatusBar(retry, () => keepAlive);
  document.body.replaceChildren(bar.element);
  bar.show({ ...STATUS, ...status });
  return bar;
}

afterEach(() => vi.useRealTimers());

test("a state is told in words", () => {
  shown({});
  expect(screen.getByText("Connected")).toBeVisible();
  shown({ readOnly: true });
  expect(screen.getByText("Connected, watching only")).toBeVisible();
  shown({ connection: { name: "exited", code: 3, signal: null } });
  expect(screen.getByText("Exited with status 3")).toBeVisible();
  shown({ connection: { name: "exited", code: null, signal: "SIGKILL" } });
  expect(screen.getByText("Ended by SIGKILL")).toBeVisible();
});

test("a connection that failed or is lost can be tried again, unless the terminal is gone", async () => {
  const retry = vi.fn();
  shown({ connection: { name: "failed", reason: "unreachable", message: "The server does not answer." } }, null, retry);
  expect(screen.getByText("The server does not answer.")).toBeVisible();
  await userEvent.click(screen.getByRole("button", { name: "Retry" }));
  expect(retry).toHaveBeenCalledOnce();
  shown({ connection: { name: "failed", reason: "gone", message: "This terminal was closed." } });
  expect(screen.queryByRole("button", { name: "Retry" })).toBeNull();
});

test("the time that is left counts down, and can be moved only where somebody can move it", () => {
  vi.useFakeTimers({ now: 0 });
  const deadline = new Date(10 * 60_000).toISOString();
  const bar = shown({ deadline });
  expect(screen.getByText("Stops in 10 min")).not.toHaveAttribute("data-soon");
  expect(screen.queryByRole("button", { name: "Keep alive" })).toBeNull();
  vi.advanceTimersByTime(9.5 * 60_000);
  expect(screen.getByText("Stops in 30 s")).toHaveAttribute("data-soon");
  bar.dispose();
  expect(vi.getTimerCount()).toBe(0);
  const keepAlive = vi.fn();
  shown({ deadline }, keepAlive).dispose();
  screen.getByRole("button", { name: "Keep alive" }).click();
  expect(keepAlive).toHaveBeenCalledOnce();
});

test("who else looks is told, and what that does to the size", () => {
  shown({});
  expect(screen.queryByText(/viewer/)).toBeNull();
  shown({ viewers: 3, shrunk: true });
  expect(screen.getByText("3 viewers")).toBeVisible();
  expect(screen.getByText("80×24, the size of the smallest viewer")).toBeVisible();
});

test("a link's own address is shown before it is followed", () => {
  shown({ link: "https://example.org/", notice: "something" });
  expect(screen.getByText("Ctrl-click opens https://example.org/")).toBeVisible();
});

test("times are told as people say them", () => {
  expect([-5, 1000, 119_000, 300_000, 3 * 3_600_000, 72 * 3_600_000].map(durationOf)).toEqual([
    "0 s",
    "1 s",
    "119 s",
    "5 min",
    "3 h",
    "3 days",
  ]);
});
