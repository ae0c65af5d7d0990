import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test } from "vitest";
import type { DeadlineView, Scope } from "#/api/schema";
import { BASE, showInRoom, WORKSPACE } from "#/testing/page";
import { problem, Server } from "#/testing/server";
import { session } from "#/testing/sessions";
import Toasts from "#/ui/toasts";
import { DeadlineWarnings } from "./deadlines";

const ID = session().sessionId;
const KEEP = `POST ${BASE}/sessions/${ID}/keepalive`;

let server: Server;

beforeEach(() => {
  server = new Server();
});

async function show(scopes: readonly Scope[] = ["sessions:read", "sessions:write"]): Promise<void> {
  const page = (
    <>
      <Toasts />
      <DeadlineWarnings />
      the page
    </>
  );
  showInRoom(server, page, { scopes });
  await screen.findByText("the page");
  server.tell("session", session());
}

function near(with_: Partial<DeadlineView> = {}): DeadlineView {
  const deadline = new Date(Date.now() + 200_000).toISOString();
  return { sessionId: ID, workspaceId: WORKSPACE, kind: "idle", deadline, ...with_ };
}

test("a deadline that comes near is told once, and keeping the session alive ends the warning", async () => {
  server.on(KEEP, () => session());
  await show();
  const due = near();
  server.tell("deadline", due);
  server.tell("deadline", due);
  await screen.findByText(/Its terminals and agents end/);
  expect(screen.getAllByText("compiler")).toHaveLength(1);
  await userEvent.click(screen.getByRole("button", { name: "Keep alive" }));
  await waitFor(() => expect(screen.queryByText("compiler")).toBeNull());
  expect(server.of(KEEP)).toHaveLength(1);
});

test("a use of the session takes the warning away", async () => {
  await show();
  server.tell("deadline", near());
  await screen.findByText(/Its terminals and agents end/);
  server.tell("session", session());
  await waitFor(() => expect(screen.queryByText(/Its terminals and agents end/)).toBeNull());
});

test("what cannot be moved has no button", async () => {
  await show();
  server.tell("deadline", near({ kind: "lifetime" }));
  await screen.findByText(/as old as a session may get/);
  server.tell("deadline", near({ sessionId: null }));
  await screen.findByText(/All that runs in this workspace/);
  expect(screen.queryByRole("button", { name: "Keep alive" })).toBeNull();
});

test("when it cannot be kept alive that is said, and the warning stays", async () => {
  server.on(KEEP, () => problem(503, { code: "unavailable", detail: "the room is away" }));
  await show();
  server.tell("deadline", near());
  await userEvent.click(await screen.findByRole("button", { name: "Keep alive" }));
  await screen.findByText("The session was not kept alive");
  expect(screen.getByRole("button", { name: "Keep alive" })).toBeVisible();
});

test("a warning that was closed does not come again, but one of another time does", async () => {
  await show();
  const due = near();
  server.tell("deadline", due);
  await userEvent.click(await screen.findByRole("button", { name: "Close" }));
  server.tell("deadline", due);
  server.tell("deadline", near({ sessionId: null }));
  await screen.findByText(/All that runs in this workspace/);
  expect(screen.queryByText(/Its terminals and agents end/)).toBeNull();
  server.tell("deadline", near({ deadline: new Date(Date.now() + 250_000).toISOString() }));
  await screen.findByText(/Its terminals and agents end/);
});

test("a deadline that is over is no news", async () => {
  await show();
  server.tell("deadline", near({ deadline: new Date(Date.now() - 10_000).toISOString() }));
  server.tell("deadline", near({ sessionId: null }));
  await screen.findByText(/All that runs in this workspace/);
  expect(screen.queryByText(/Its terminals and agents end/)).toBeNull();
});
