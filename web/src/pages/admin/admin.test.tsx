import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test } from "vitest";
import type { HostWorkspaceView } from "#/api/schema";
import { ADMIN, showOutside, sized } from "#/testing/outside";
import { ME } from "#/testing/page";
import { Server } from "#/testing/server";
import { workspace } from "#/testing/workspaces";
import Admin from ".";

const GIB = 1024 ** 3;
const MACHINE = {
  ...{
    cpus: 4,
    load: [0.5, 0.4, 0.3],
    memoryTotal: 8 * GIB,
    memoryAvailable: 6 * GIB,
    diskTotal: 100 * GIB,
    diskFree: 5 * GIB,
  },
};
const SERVER = { version: "0.1.0", startedAt: "2026-01-01T00:00:00Z", memory: 50 * 1024 ** 2, connections: 7 };
const HOSTD = {
  ...{ version: "0.1.0", startedAt: "2026-01-01T00:00:00Z", workspaces: 3, running: 1, uidsLeft: 9, cgroups: "v2", layers: [] },
};

let server: Server;

beforeEach(() => {
  sized();
  server = new Server().on("GET /api/orgs", () => ({ items: [], nextCursor: null }));
});

function show(at = "/admin", me = ADMIN) {
  return showOutside(
    <main id="main">
      <Admin me={me} />
    </main>,
    { me, at },
  );
}

test("the host's checks are listed, what needs repair first", async () => {
  const findings = [
    { check: "store", state: "ok", detail: "it can be read" },
    { check: "layer cgroup", state: "failed", detail: "required: none" },
    { check: "disk", state: "warning", detail: "5.0 GiB of 100.0 GiB are free" },
  ];
  server.on("GET /api/host", () => ({ server: SERVER, hostd: HOSTD, machine: MACHINE, findings }));
  show();
  const rows = (await screen.findAllByRole("row")).slice(1);
  expect(rows.map((row) => row.textContent)).toEqual([
    "Needs repairlayer cgrouprequired: none",
    "Look at thisdisk5.0 GiB of 100.0 GiB are free",
    "Goodstoreit can be read",
  ]);
  expect(screen.getByText(/2 of 3 checks need a look/)).toBeVisible();
  expect(screen.getByRole("progressbar", { name: "Disk: share in use" })).toHaveAttribute("aria-valuenow", "95");
});

test("a hostd that does not answer is said at once", async () => {
  const findings = [{ check: "hostd", state: "failed", detail: "no answer" }];
  server.on("GET /api/host", () => ({ server: SERVER, hostd: null, machine: MACHINE, findings }));
  show();
  expect(await screen.findByText("hostd does not answer")).toBeVisible();
});

test("who is no administrator is told so, and nothing is asked", async () => {
  show("/admin", ME);
  expect(await screen.findByRole("heading", { name: /for administrators of the host/ })).toBeVisible();
  expect(server.asked).toEqual([]);
});

function host(number: number, with_: Partial<HostWorkspaceView> = {}): HostWorkspaceView {
  const workspaceId = `w${String(number).padStart(24, "0")}`;
  const made = { state: "ready", running: true, createdAt: "2026-01-01T00:00:00Z" } as const;
  return { workspaceId, organisationId: null, name: `W${number}`, uid: 2000 + number, processes: number, ...made, ...with_ };
}

test("workspaces are listed with their user and processes, deleted by their name, and restored", async () => {
  let items = [host(1), host(2, { state: "locked", running: false, processes: 0 })];
  server
    .on("GET /api/host/workspaces", () => ({ items, nextCursor: null }))
    .on("DELETE /api/workspaces/w000000000000000000000001", () => {
      items = [host(1, { state: "locked" })];
      return workspace({ status: "deleted", purgesAt: "2030-01-01T00:00:00Z" });
    })
    .on("POST /api/workspaces/w000000000000000000000001/restore", () => {
      items = [host(1)];
      return workspace();
    });
  show("/admin/workspaces");
  expect(await screen.findByText("2001")).toBeVisible();
  expect(screen.getByText("2 workspaces, 1 running")).toBeVisible();
  await userEvent.click(screen.getByRole("button", { name: "Delete W1" }));
  const dialog = within(await screen.findByRole("dialog"));
  expect(dialog.getByRole("button", { name: "Delete" })).toBeDisabled();
  await userEvent.type(dialog.getByLabelText(/Type “W1”/), "W1");
  await userEvent.click(dialog.getByRole("button", { name: "Delete" }));
  await userEvent.click(await screen.findByRole("button", { name: "Restore W1" }));
  expect(await screen.findByRole("button", { name: "Delete W1" })).toBeVisible();
});

test("what runs most comes first, and a filter finds a uid", async () => {
  server.on("GET /api/host/workspaces", () => ({ items: [host(1), host(3), host(2)], nextCursor: null }));
  show("/admin/workspaces");
  const names = () => screen.getAllByRole("link", { name: /^W\d/ }).map(({ textContent }) => textContent);
  await screen.findByText("W1");
  expect(names()).toEqual(["W3", "W2", "W1"]);
  await userEvent.type(screen.getByLabelText("Filter workspaces"), "2002");
  await waitFor(() => expect(names()).toEqual(["W2"]));
});

test("signing keys are replaced, and revoked only after a question", async () => {
  let items = [{ keyId: "k1", createdAt: null, signs: true, verifiesUntil: null }];
  server
    .on("GET /api/signing-keys", () => ({ items }))
    .on("POST /api/signing-keys", () => {
      items = [
        { keyId: "k2", createdAt: null, signs: true, verifiesUntil: null },
        ...items.map((key) => ({ ...key, signs: false })),
      ];
      return items[0];
    })
    .on("DELETE /api/signing-keys/k1", () => {
      items = items.slice(0, 1);
    });
  show("/admin/signing");
  await userEvent.click(await screen.findByRole("button", { name: "New signing key" }));
  await userEvent.click(within(await screen.findByRole("dialog")).getByRole("button", { name: "New signing key" }));
  expect(await screen.findByText("k2")).toBeVisible();
  const old = screen.getAllByRole("listitem")[1];
  if (old) await userEvent.click(within(old).getByRole("button", { name: "Revoke" }));
  expect(server.of("DELETE /api/signing-keys/k1")).toEqual([]);
  await userEvent.click(within(await screen.findByRole("dialog")).getByRole("button", { name: "Revoke" }));
  await waitFor(() => expect(screen.queryByText("k1")).toBeNull());
});
