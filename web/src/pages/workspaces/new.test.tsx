import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test, vi } from "vitest";
import { roomToken } from "#/api/rooms";
import type { Me } from "#/api/schema";
import { ADMIN, showOutside } from "#/testing/outside";
import { ME, WORKSPACE } from "#/testing/page";
import { problem, Server } from "#/testing/server";
import { workspace } from "#/testing/workspaces";
import New from "./new";

const LINUX = { name: "linux", status: "ready", errorReason: null, attempts: null, nextAttemptAt: null, detail: {} };

let server: Server;

beforeEach(() => {
  sessionStorage.clear();
  server = new Server()
    .on("GET /api/orgs", () => ({ items: [], nextCursor: null }))
    .on("POST /api/workspaces", () => ({ ...workspace(), workspaceSecret: "hws_secret" }))
    .on(`GET /api/workspaces/${WORKSPACE}`, () => workspace())
    .on(`GET /api/workspaces/${WORKSPACE}/provisioners`, () => ({
      items: [{ ...LINUX, updatedAt: "2026-01-01T00:00:00Z" }],
    }))
    .on("POST /api/workspaces/login", () => ({ workspaceToken: "jwt", expiresIn: 600 }));
});

async function create(me: Me = ADMIN) {
  const shown = showOutside(<New me={me} />, { me, at: "/new" });
  await userEvent.type(await screen.findByLabelText("Name"), "Payments");
  await userEvent.click(screen.getByRole("button", { name: "Create the workspace" }));
  return shown;
}

test("an administrator makes a workspace, sees its secret once, and enters with it", async () => {
  const { history } = await create();
  expect(await screen.findByTestId("secret")).toHaveTextContent("hws_secret");
  const [asked] = server.of("POST /api/workspaces");
  expect(asked?.body).toEqual({ name: "Payments", providers: {} });
  expect(asked?.headers.get("Idempotency-Key")).toMatch(/^[0-9a-f]{32}$/);
  await userEvent.click(screen.getByRole("button", { name: "Copy" }));
  await userEvent.click(await screen.findByRole("button", { name: "Open the workspace" }));
  await waitFor(() => expect(history.at(-1)).toBe(`/w/${WORKSPACE}`));
  expect(roomToken(WORKSPACE)).toBe("jwt");
});

test("a try that is repeated has the same key, and one with another body another", async () => {
  server.on("POST /api/workspaces", () => problem(503, { code: "unavailable", detail: "not now" }));
  await create();
  expect(await screen.findByRole("alert")).toHaveTextContent("Not now.");
  expect(screen.getByLabelText("Name")).toHaveValue("Payments");
  await userEvent.click(screen.getByRole("button", { name: "Create the workspace" }));
  await waitFor(() => expect(server.of("POST /api/workspaces")).toHaveLength(2));
  await userEvent.type(screen.getByLabelText("Name"), " 2");
  await userEvent.click(screen.getByRole("button", { name: "Create the workspace" }));
  await waitFor(() => expect(server.of("POST /api/workspaces")).toHaveLength(3));
  const [first, second, third] = server.of("POST /api/workspaces").map(({ headers }) => headers.get("Idempotency-Key"));
  expect(second).toBe(first);
  expect(third).not.toBe(first);
});

test("what is wrong with a field is said at the field", async () => {
  server.on("POST /api/workspaces", () =>
    problem(400, { code: "invalid", detail: "invalid", errors: [{ pointer: "/name", detail: "too long" }] }),
  );
  await create();
  expect(await screen.findByText("Too long.")).toBeVisible();
  expect(screen.getByLabelText("Name")).toHaveAttribute("aria-invalid", "true");
});

test("credentials of agents are sent with it, and those that were left empty are not", async () => {
  showOutside(<New me={ADMIN} />, { at: "/new" });
  await userEvent.click(await screen.findByRole("button", { name: "Add Claude Code" }));
  await userEvent.click(screen.getByRole("button", { name: "Add Codex" }));
  const [claude] = screen.getAllByLabelText("API key");
  if (claude) await userEvent.type(claude, "sk-1");
  await userEvent.click(screen.getByRole("button", { name: "Create the workspace" }));
  await screen.findByTestId("secret");
  expect(server.of("POST /api/workspaces")[0]?.body).toEqual({
    providers: { claude: { enabled: true, auth: { type: "api_key", value: "sk-1" } } },
  });
});

test("a person makes it for the organisation in which they may, and goes straight in", async () => {
  const organisations = [
    { organisationId: "o1", slug: "a", name: "Acme", rank: "admin" as const },
    { organisationId: "o2", slug: "b", name: "Other", rank: "member" as const },
  ];
  server.on("POST /api/orgs/o1/workspaces", () => ({ ...workspace(), workspaceSecret: "hws_secret" }));
  const { history } = await create({ ...ME, organisations });
  await screen.findByTestId("secret");
  await userEvent.click(screen.getByRole("button", { name: "Download" }));
  await userEvent.click(screen.getByRole("button", { name: "Open the workspace" }));
  await waitFor(() => expect(history.at(-1)).toBe(`/w/${WORKSPACE}`));
  expect(server.of("POST /api/workspaces/login")).toEqual([]);
});

test("a person who may make none is told who may", async () => {
  showOutside(<New me={ME} />, { me: ME, at: "/new" });
  expect(await screen.findByRole("heading", { name: "You cannot make workspaces" })).toBeVisible();
});

test("a part that has failed says why, and is tried again", async () => {
  let part: object = { ...LINUX, status: "error", errorReason: "useradd: locked", updatedAt: "2026-01-01T00:00:00Z" };
  server
    .on("POST /api/workspaces", () => ({ ...workspace({ status: "error" }), workspaceSecret: "hws_secret" }))
    .on(`GET /api/workspaces/${WORKSPACE}`, () => workspace({ status: "error", errorReason: "useradd: locked" }))
    .on(`GET /api/workspaces/${WORKSPACE}/provisioners`, () => ({ items: [part] }))
    .on(`POST /api/workspaces/${WORKSPACE}/provisioners/linux/retry`, () => {
      part = { ...LINUX, updatedAt: "2026-01-01T00:00:00Z" };
      server.on(`GET /api/workspaces/${WORKSPACE}`, () => workspace());
      return { items: [part] };
    });
  await create();
  expect(await screen.findByText("useradd: locked")).toBeVisible();
  expect(screen.getByRole("button", { name: "Open the workspace" })).toBeDisabled();
  await userEvent.click(screen.getByRole("button", { name: "Retry Linux user" }));
  await waitFor(() => expect(screen.getByRole("button", { name: "Open the workspace" })).toBeEnabled());
});

test("leaving before the secret was copied asks first, and afterwards does not", async () => {
  const ask = vi.spyOn(window, "confirm").mockReturnValue(false);
  await create();
  await screen.findByTestId("secret");
  const unload = () => {
    const event = new Event("beforeunload", { cancelable: true });
    window.dispatchEvent(event);
    return event.defaultPrevented;
  };
  expect(unload()).toBe(true);
  window.dispatchEvent(new PopStateEvent("popstate"));
  expect(ask).toHaveBeenCalledOnce();
  await userEvent.click(screen.getByRole("button", { name: "Copy" }));
  expect(unload()).toBe(false);
});
