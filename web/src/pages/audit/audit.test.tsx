import { act, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test, vi } from "vitest";
import type { AuditRecordView } from "#/api/schema";
import { sized } from "#/testing/outside";
import { BASE, showInRoom } from "#/testing/page";
import { type Asked, problem, Server } from "#/testing/server";
import Audit from "./index";

const LOG = `${BASE}/audit`;
const user = userEvent.setup();
let server: Server;
let stream: TransformStream<Uint8Array, Uint8Array>;
let following: Asked[];

function record(seq: number, part: Partial<AuditRecordView> = {}): AuditRecordView {
  const time = "2026-01-01T00:00:00Z";
  const origin = { actor: "w1", credential: "ky1", address: "127.0.0.1", requestId: "r1" };
  const owner = { workspaceId: "w1", organisationId: null };
  return {
    seq,
    time,
    source: "api",
    action: `do_${seq}`,
    outcome: "ok",
    target: "",
    count: 1,
    waited: 0,
    ...owner,
    ...origin,
    ...part,
  };
}

/** Answers pages, and a stream to who asks for one. */
function log(page: (asked: Asked) => unknown): void {
  server.on(`GET ${LOG}`, (asked) => {
    if (asked.headers.get("Accept") !== "text/event-stream") return page(asked);
    following.push(asked);
    return new Response(stream.readable, { headers: { "Content-Type": "text/event-stream" } });
  });
}

async function tell(seq: number): Promise<void> {
  const writer = stream.writable.getWriter();
  const text = `id: ${seq}\ndata: ${JSON.stringify(record(seq))}\n\n`;
  await act(() => writer.write(new TextEncoder().encode(text)));
  writer.releaseLock();
}

beforeEach(() => {
  sized();
  server = new Server();
  stream = new TransformStream();
  following = [];
});

test("older records are read when they are asked for", async () => {
  log(({ path }) =>
    path.includes("cursor=more") ? { items: [record(1)], nextCursor: null } : { items: [record(2)], nextCursor: "more" },
  );
  showInRoom(server, <Audit />);
  expect(await screen.findByRole("button", { name: "do_2" })).toBeVisible();
  await user.click(screen.getByRole("button", { name: "Load older" }));
  expect(await screen.findByRole("button", { name: "do_1" })).toBeVisible();
  expect(screen.queryByRole("button", { name: "Load older" })).toBeNull();
});

test("a filter asks the server anew", async () => {
  log(({ path }) => ({
    items: path.includes("outcome=forbidden") ? [record(7, { outcome: "forbidden" })] : [record(2)],
    nextCursor: null,
  }));
  showInRoom(server, <Audit />);
  await user.type(await screen.findByRole("combobox", { name: "Outcome" }), "forbidden");
  expect(await screen.findByRole("button", { name: "do_7" })).toBeVisible();
  expect(screen.queryByRole("button", { name: "do_2" })).toBeNull();
});

test("a log is followed while that is wanted, with what was written before the stream began", async () => {
  let first = true;
  log(() => {
    const items = first ? [record(1)] : [record(2), record(1)];
    first = false;
    return { items, nextCursor: null };
  });
  showInRoom(server, <Audit />);
  await screen.findByRole("button", { name: "do_1" });
  await user.click(screen.getByRole("switch", { name: "Follow" }));
  expect(await screen.findByText("Live")).toBeVisible();
  expect(await screen.findByRole("button", { name: "do_2" })).toBeVisible();
  await tell(3);
  await tell(2);
  expect(await screen.findByRole("button", { name: "do_3" })).toBeVisible();
  expect(screen.getByText("3 records")).toBeVisible();
  await user.click(screen.getByRole("switch", { name: "Follow" }));
  expect(screen.queryByText("Live")).toBeNull();
  expect(following.length).toBe(1);
});

test("what ends in the past is not followed", async () => {
  log(() => ({ items: [record(1)], nextCursor: null }));
  showInRoom(server, <Audit />);
  await user.type(await screen.findByLabelText("Until"), "2026-01-01T10:00");
  await waitFor(() => expect(screen.getByRole("switch", { name: "Follow" })).toBeDisabled());
});

test("a record of a flood says for how many it stands", async () => {
  log(() => ({ items: [record(1, { count: 12, outcome: "unauthorized" })], nextCursor: null }));
  showInRoom(server, <Audit />);
  expect(await screen.findByText("×12")).toBeVisible();
  await user.click(screen.getByRole("button", { name: "do_1" }));
  expect(await screen.findByText(/stands for 12 events of the same kind/)).toBeVisible();
});

test("what is shown can be taken along, a record a line", async () => {
  const kept: Blob[] = [];
  vi.stubGlobal(
    "URL",
    Object.assign(URL, {
      createObjectURL: (blob: Blob) => {
        kept.push(blob);
        return "blob:x";
      },
      revokeObjectURL: () => {},
    }),
  );
  log(() => ({ items: [record(2), record(1)], nextCursor: null }));
  showInRoom(server, <Audit />);
  await screen.findByRole("button", { name: "do_2" });
  await user.click(screen.getByRole("button", { name: "Export as JSON lines" }));
  const lines = (await kept[0]?.text())?.trimEnd().split("\n");
  expect(lines?.map((line) => JSON.parse(line))).toEqual([record(2), record(1)]);
});

test("a page that the filters leave empty has more behind it, and says so", async () => {
  log(() => ({ items: [], nextCursor: "more" }));
  showInRoom(server, <Audit />);
  expect(await screen.findByRole("button", { name: "Load older" })).toBeVisible();
  expect(screen.queryByText("No records")).toBeNull();
});

test("a log that cannot be read says why, and can be tried again", async () => {
  log(() => problem(403, { code: "forbidden", detail: "not yours" }));
  showInRoom(server, <Audit />);
  expect(await screen.findByText("Not yours.")).toBeVisible();
  log(() => ({ items: [record(1)], nextCursor: null }));
  await user.click(screen.getByRole("button", { name: "Try again" }));
  expect(await screen.findByRole("button", { name: "do_1" })).toBeVisible();
});

test("an actor is called by name, in the list, in the filter and in the record; the id stays to be seen and copied", async () => {
  const id = "u00000000000000000000000a";
  log(() => ({ items: [record(1, { actor: id })], nextCursor: null }));
  server.on(`GET ${BASE}/names`, () => ({ items: [{ id, kind: "person", name: "Ada Lovelace", former: true }] }));
  showInRoom(server, <Audit />);
  const cell = await screen.findByTitle(id);
  await waitFor(() => expect(cell).toHaveTextContent("Ada Lovelace (left)"));
  await user.click(screen.getByRole("combobox", { name: "Actor" }));
  const option = await screen.findByRole("option", { name: new RegExp(id) });
  expect(option).toHaveTextContent("Ada Lovelace");
  await user.click(option);
  expect(screen.getByRole("combobox", { name: "Actor" })).toHaveValue(id);
  await user.click(screen.getByRole("button", { name: "do_1" }));
  const dialog = await screen.findByRole("dialog");
  expect(dialog).toHaveTextContent(`Ada Lovelace (left)${id}`);
  await user.click(screen.getByRole("button", { name: "Copy the actor" }));
  expect(await navigator.clipboard.readText()).toBe(id);
});
