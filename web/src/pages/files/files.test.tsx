import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, it } from "vitest";
import type { FileView, Scope } from "#/api/schema";
import { sized } from "#/testing/outside";
import { BASE, showInRoom } from "#/testing/page";
import { problem, Server } from "#/testing/server";
import { drafts, keepDraft } from "./drafts";
import Files from "./index";

const SESSION = "s000000000000000000000001";
const AT = `${BASE}/sessions/${SESSION}`;
const SCOPES: readonly Scope[] = ["sessions:read", "files:read", "files:write", "git:read", "git:write"];
const HOSTILE = "<img src=x onerror=alert(1)>.svg";

// jsdom lays nothing out, and CodeMirror asks where things are.
Object.defineProperty(Range.prototype, "getClientRects", { configurable: true, value: () => [] });
sized();

let server: Server;
/** What is on the disk: JSON, since the server of these tests reads it. */
let disk: { text: string; etag: string };

function view(path: string, kind: FileView["kind"] = "file"): FileView {
  const name = path.split("/").at(-1) ?? path;
  const at = { size: disk.text.length, etag: kind === "file" ? disk.etag : null };
  return { path, name, kind, mode: "0644", modifiedAt: "2026-01-01T00:00:00Z", target: null, ...at };
}

beforeEach(() => {
  for (const key of Object.keys(drafts.get())) keepDraft(key, null);
  server = new Server();
  disk = { text: "1", etag: '"1"' };
  server
    .on(`GET ${AT}/worktrees`, () => ({ items: [], nextCursor: null }))
    .on(`GET ${AT}/git/status`, () => ({
      ...{ branch: "main", commit: null, upstream: null, ahead: null, behind: null, merging: false, truncated: false },
      entries: [{ path: "src/app.json", staged: ".", unstaged: "M", original: null, conflict: false }],
    }))
    .on(`GET ${AT}/files`, ({ path }) => ({
      items: path.includes("path=src") ? [view("src/app.json")] : [view(HOSTILE), view("src", "folder"), view(".env")],
      nextCursor: null,
    }))
    .on(`GET ${AT}/files/info`, () => view("src/app.json"))
    .on(`GET ${AT}/files/content`, () => new Response(disk.text, { headers: { ETag: disk.etag } }));
});

function open(query = "", scopes = SCOPES) {
  return showInRoom(server, <Files sessionId={SESSION} />, {
    at: `/s/${SESSION}/files${query}`,
    route: `/s/${SESSION}/files`,
    scopes,
  });
}

async function type(text: string): Promise<void> {
  const editor = await screen.findByRole("textbox", { name: "app.json" });
  await userEvent.click(editor);
  await userEvent.keyboard(text);
}

it("walks the tree with the keyboard, and opens a file", async () => {
  const { history } = open();
  const tree = await screen.findByRole("tree");
  await screen.findByRole("treeitem", { name: /^src/ });
  tree.focus();
  await userEvent.keyboard("{ArrowRight}");
  const file = await screen.findByRole("treeitem", { name: /app\.json/ });
  expect(file).toHaveAttribute("aria-level", "2");
  expect(within(file).getByRole("img", { name: "modified" })).toBeInTheDocument();
  await userEvent.keyboard("{ArrowDown}{Enter}");
  expect(history.at(-1)).toContain("path=src%2Fapp.json");
  expect(await screen.findByRole("textbox", { name: "app.json" })).toHaveTextContent("1");
});

it("shows hostile names as text", async () => {
  const { container } = open();
  expect(await screen.findByText(HOSTILE)).toBeInTheDocument();
  expect(container.querySelector("img")).toBeNull();
});

it("hides names that begin with a dot when it is told to", async () => {
  open();
  expect(await screen.findByText(".env")).toBeInTheDocument();
  await userEvent.click(screen.getByRole("button", { name: /Hide names/ }));
  expect(screen.queryByText(".env")).toBeNull();
});

it("saves what was typed over the version that was read", async () => {
  server.on(`PUT ${AT}/files/content`, ({ body }) => {
    disk = { text: JSON.stringify(body), etag: '"2"' };
    return view("src/app.json");
  });
  open("?path=src/app.json");
  await type("2");
  expect(await screen.findByText("Not saved")).toBeInTheDocument();
  await userEvent.click(screen.getByRole("button", { name: "Save" }));
  await waitFor(() => expect(screen.queryByText("Not saved")).toBeNull());
  const [put] = server.of(`PUT ${AT}/files/content`);
  expect(put?.headers.get("If-Match")).toBe('"1"');
  expect(drafts.get()).toEqual({});
});

it("keeps what was typed when another version is on the disk, and shows both", async () => {
  server.on(`PUT ${AT}/files/content`, ({ headers, body }) => {
    if (headers.get("If-Match") !== disk.etag) return problem(412, { code: "precondition_failed", detail: "it has changed" });
    disk = { text: JSON.stringify(body), etag: '"3"' };
    return view("src/app.json");
  });
  open("?path=src/app.json");
  await type("2");
  disk = { text: "7", etag: '"2"' };
  await userEvent.click(await screen.findByRole("button", { name: "Save" }));
  expect(await screen.findByText(/It has changed on disk/)).toBeInTheDocument();
  expect(await screen.findByRole("textbox", { name: "On disk" })).toHaveTextContent("7");
  expect(screen.getByRole("textbox", { name: "Yours" })).toHaveTextContent("21");
  await userEvent.click(screen.getByRole("button", { name: "Save the right side" }));
  await waitFor(() => expect(screen.queryByText(/It has changed on disk/)).toBeNull());
  expect(server.of(`PUT ${AT}/files/content`).at(-1)?.headers.get("If-Match")).toBe('"2"');
});

it("keeps what was typed while another file, or none, is shown", async () => {
  const { unmount } = open("?path=src/app.json");
  await type("2");
  await screen.findByText("Not saved");
  unmount();
  open("?path=src/app.json");
  expect(await screen.findByText("Not saved")).toBeInTheDocument();
});

it("asks before the tab is closed with something that is not saved", async () => {
  open("?path=src/app.json");
  await screen.findByRole("textbox", { name: "app.json" });
  const closing = () => !dispatchEvent(new Event("beforeunload", { cancelable: true }));
  expect(closing()).toBe(false);
  await type("2");
  await screen.findByText("Not saved");
  expect(closing()).toBe(true);
});

it("shows the new version of a file that an agent's turn has changed, unless something was typed", async () => {
  open("?path=src/app.json");
  expect(await screen.findByRole("textbox", { name: "app.json" })).toHaveTextContent("1");
  disk = { text: "8", etag: '"2"' };
  server.tell("turn", { turnId: "t1", sessionId: SESSION, worktreeId: null, status: "completed" });
  await waitFor(() => expect(screen.getByRole("textbox", { name: "app.json" })).toHaveTextContent("8"));
});

it("lets nothing be changed by who may only read", async () => {
  open("?path=src/app.json", ["sessions:read", "files:read"]);
  expect(await screen.findByText("Read only")).toBeInTheDocument();
  expect(screen.queryByRole("button", { name: "Save" })).toBeNull();
  expect(screen.queryByRole("button", { name: "New file" })).toBeNull();
});

it("offers what is no text as a download, and shows the beginning of what is long", async () => {
  server.on(`GET ${AT}/files/content`, () => new Response(new Uint8Array([1, 0, 2])));
  const { unmount } = open("?path=src/app.json");
  expect(await screen.findByText("This file is not text")).toBeInTheDocument();
  unmount();
  const size = 3 * 1024 * 1024;
  server
    .on(`GET ${AT}/files/info`, () => ({ ...view("src/app.json"), size }))
    .on(`GET ${AT}/files/content`, ({ headers }) => {
      expect(headers.get("Range")).toBe("bytes=0-1048575");
      return new Response("[1", { status: 206, headers: { ETag: '"1"', "Content-Range": `bytes 0-1/${size}` } });
    });
  open("?path=src/app.json");
  expect(await screen.findByText(/the first 1.0 MiB of 3.0 MiB/)).toBeInTheDocument();
  expect(screen.getByText("Read only")).toBeInTheDocument();
});

it("says why nothing can be shown behind a link", async () => {
  server.on(`GET ${AT}/files/info`, () => ({ ...view("out", "link"), target: "/etc/passwd" }));
  server.on(`GET ${AT}/files/content`, () => problem(400, { code: "bad_request", detail: "a link leads out of the folder" }));
  open("?path=out");
  expect(await screen.findByText("Nothing can be shown behind this link")).toBeInTheDocument();
  expect(screen.getByText("A link leads out of the folder.")).toBeInTheDocument();
  expect(screen.queryByRole("button", { name: "Try again" })).toBeNull();
});

it("searches, and leads to the line", async () => {
  server.on(`GET ${AT}/files/search`, () => ({
    items: [{ path: "src/app.json", line: 1, column: 2, text: "  [1] here" }],
    truncated: false,
  }));
  const { history } = open();
  await userEvent.click(await screen.findByRole("button", { name: /Search in files/ }));
  await userEvent.type(screen.getByRole("textbox", { name: "Search in files" }), "here");
  await userEvent.click(await screen.findByText("here"));
  expect(history.at(-1)).toContain("line=1");
  expect(server.of(`GET ${AT}/files/search`).at(-1)?.path).toContain("q=here");
});

it("opens a file by some letters of its path", async () => {
  server.on(`GET ${AT}/files/names`, ({ path }) => ({
    items: path.includes("q=sap") ? ["src/app.json"] : ["a.txt", "src/app.json"],
    truncated: false,
  }));
  const { history } = open();
  await userEvent.click(await screen.findByRole("button", { name: /Open a file by its name/ }));
  await userEvent.type(await screen.findByRole("combobox"), "sap");
  await waitFor(() => expect(screen.queryByRole("option", { name: "a.txt" })).toBeNull());
  await userEvent.keyboard("{Enter}");
  expect(history.at(-1)).toContain("path=src%2Fapp.json");
});

it("says at the field that a name is taken", async () => {
  server.on(`PUT ${AT}/files/content`, () => problem(412, { code: "precondition_failed", detail: "there is something" }));
  open();
  await userEvent.click(await screen.findByRole("button", { name: "New file" }));
  await userEvent.type(await screen.findByLabelText(/^Path/), "a.txt{Enter}");
  expect(await screen.findByText("There is something of that name already.")).toBeInTheDocument();
  expect(screen.getByLabelText(/^Path/)).toHaveValue("a.txt");
});
