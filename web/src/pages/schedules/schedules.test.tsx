import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test } from "vitest";
import type { ScheduleView } from "#/api/schema";
import { BASE, fill, showInRoom, WORKSPACE } from "#/testing/page";
import { type Asked, problem, Server } from "#/testing/server";
import Schedules from ".";

const ID = "sc000000000000000000000001";
const PLAN: ScheduleView["task"] = {
  ...{ prompt: "Look", agent: null, model: null, mode: null, sessionId: null, worktreeId: null, repoUrl: null, ref: null },
  ...{ timeout: null, attempts: null, permissions: "deny", keepSession: true },
};

function sample(change: Partial<ScheduleView> = {}): ScheduleView {
  return {
    ...{ scheduleId: ID, workspaceId: WORKSPACE, name: "Morning", cron: "0 9 * * 1-5", timezone: "Asia/Tokyo" },
    ...{ task: PLAN, missed: "skip", enabled: true, nextRunAt: "2026-01-05T00:00:00Z", lastRunAt: null },
    ...{ createdAt: "2026-01-01T00:00:00Z", createdBy: WORKSPACE, updatedAt: "2026-01-01T00:00:00Z" },
    ...change,
  };
}

let server: Server;

beforeEach(() => {
  server = new Server()
    .on(`GET ${BASE}/schedules`, () => ({ items: [sample()] }))
    .on(`GET ${BASE}/schedules/${ID}`, () => Response.json(sample(), { headers: { ETag: '"1"' } }))
    .on(`GET ${BASE}/agents`, () => ({ items: [] }));
});

test("a schedule says when it runs, here and there", async () => {
  showInRoom(server, <Schedules />);
  await screen.findByText(/Monday to Friday at 09:00/);
  expect(screen.getByText(/Next run/)).toHaveTextContent(/there .*09:00/);
});

test("a switch answers at once, and goes back when the server refuses", async () => {
  let refuse = () => {};
  const held = new Promise<void>((resolve) => {
    refuse = resolve;
  });
  server.on(`PATCH ${BASE}/schedules/${ID}`, async () => {
    await held;
    return problem(503, { code: "unavailable", detail: "not now" });
  });
  showInRoom(server, <Schedules />);
  const toggle = await screen.findByRole("switch", { name: "Run Morning by the clock" });
  await userEvent.click(toggle);
  await waitFor(() => expect(toggle).not.toBeChecked());
  expect(server.of(`PATCH ${BASE}/schedules/${ID}`)[0]?.body).toEqual({ enabled: false });
  refuse();
  await waitFor(() => expect(toggle).toBeChecked());
});

test("running now leads to the task", async () => {
  server.on(`POST ${BASE}/schedules/${ID}/run`, () => ({ taskId: "ta1" }));
  const { history } = showInRoom(server, <Schedules />);
  await userEvent.click(await screen.findByRole("button", { name: "Run now" }));
  await waitFor(() => expect(history.at(-1)).toBe(`/w/${WORKSPACE}/tasks/ta1`));
});

test("a preset fills the times and says them in words", async () => {
  showInRoom(server, <Schedules />);
  await userEvent.click(await screen.findByRole("button", { name: "New schedule" }));
  const form = within(await screen.findByRole("dialog"));
  await userEvent.click(form.getByRole("button", { name: "Every hour" }));
  expect(form.getByRole("textbox", { name: /Times/ })).toHaveValue("0 * * * *");
  expect(form.getByRole("status")).toHaveTextContent("Every hour");
});

test("what is wrong with the task of a schedule is said at its field", async () => {
  const errors = [{ detail: "the minute `x` is not understood", pointer: "/cron" }];
  server.on(`POST ${BASE}/schedules`, () => problem(400, { code: "invalid", detail: "wrong", errors }));
  showInRoom(server, <Schedules />);
  await userEvent.click(await screen.findByRole("button", { name: "New schedule" }));
  await fill(screen.getByRole("textbox", { name: /^Name/ }), "Mine");
  await fill(screen.getByRole("textbox", { name: /Prompt/ }), "Do it");
  await userEvent.click(screen.getByRole("button", { name: "Create schedule" }));
  await screen.findByText("The minute `x` is not understood.");
  const [asked] = server.of(`POST ${BASE}/schedules`);
  expect(asked?.body).toMatchObject({ name: "Mine", missed: "skip", enabled: true, task: { prompt: "Do it" } });
});

test("a change is made to the version that was seen", async () => {
  let asked: Asked | undefined;
  server.on(`PATCH ${BASE}/schedules/${ID}`, (request) => {
    asked = request;
    return sample({ name: "Evening" });
  });
  showInRoom(server, <Schedules />);
  await userEvent.click(await screen.findByRole("button", { name: "Change" }));
  await waitFor(() => expect(server.of(`GET ${BASE}/schedules/${ID}`)).toHaveLength(1));
  const name = screen.getByRole("textbox", { name: /^Name/ });
  await fill(name, "Evening");
  await userEvent.click(screen.getByRole("button", { name: "Save" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(asked?.headers.get("If-Match")).toBe('"1"');
  expect(asked?.body).toMatchObject({ name: "Evening", cron: "0 9 * * 1-5", task: PLAN });
});

test("what somebody else has changed meanwhile is not overwritten", async () => {
  const newer = sample({ updatedAt: "2026-01-02T00:00:00Z" });
  server.on(`GET ${BASE}/schedules/${ID}`, () => Response.json(newer, { headers: { ETag: '"2"' } }));
  server.on(`PATCH ${BASE}/schedules/${ID}`, ({ headers }) =>
    headers.get("If-Match") === '"2"' ? newer : problem(412, { code: "precondition_failed", detail: "it has changed" }),
  );
  showInRoom(server, <Schedules />);
  await userEvent.click(await screen.findByRole("button", { name: "Change" }));
  await waitFor(() => expect(server.of(`GET ${BASE}/schedules/${ID}`)).toHaveLength(1));
  await userEvent.click(screen.getByRole("button", { name: "Save" }));
  await screen.findByText("It has changed.");
});
