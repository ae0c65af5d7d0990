import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, it } from "vitest";
import type { Scope, StatusEntryView, StatusView } from "#/api/schema";
import { BASE, fill, showInRoom } from "#/testing/page";
import { problem, Server } from "#/testing/server";
import Changes from "./index";

const SESSION = "s000000000000000000000001";
const AT = `${BASE}/sessions/${SESSION}`;
const GIT = `${AT}/git`;
const SCOPES: readonly Scope[] = ["sessions:read", "files:read", "files:write", "git:read", "git:write"];
const HASH = "a".repeat(40);
const PATCH = "diff --git a/one.txt b/one.txt\n--- a/one.txt\n+++ b/one.txt\n@@ -1 +1 @@\n-old line\n+new line\n";
const DIFF = { files: [{ path: "one.txt", original: null, added: 1, removed: 1 }], patch: PATCH, truncated: false };

const DATED = {
  commit: HASH,
  parents: ["b".repeat(40)],
  authorName: "A",
  authorEmail: "a@example.org",
  subject: "Change",
  body: "",
  authoredAt: "2026-01-01T00:00:00Z",
  committedAt: "2026-01-01T00:00:00Z",
};

let server: Server;
let status: StatusView;

function entry(path: string, staged: string, unstaged: string, more: Partial<StatusEntryView> = {}): StatusEntryView {
  return { path, staged, unstaged, original: null, conflict: false, ...more };
}

beforeEach(() => {
  sessionStorage.clear();
  status = {
    ...{ branch: "main", commit: HASH, upstream: "origin/main", ahead: 2, behind: 0, merging: false, truncated: false },
    entries: [entry("one.txt", ".", "M"), entry("two.txt", ".", "M"), entry("<b>new", "?", "?")],
  };
  server = new Server();
  server
    .on(`GET ${AT}/worktrees`, () => ({ items: [], nextCursor: null }))
    .on(`GET ${GIT}/status`, () => status)
    .on(`GET ${GIT}/diff`, () => DIFF)
    .on(`GET ${GIT}/log`, () => ({ items: [DATED], nextCursor: null }))
    .on(`GET ${GIT}/branches`, () => ({
      items: [
        { name: "main", remote: false, commit: HASH, current: true, upstream: null, subject: "" },
        { name: "topic", remote: false, commit: HASH, current: false, upstream: null, subject: "" },
      ],
      truncated: false,
    }))
    .on(`POST ${GIT}/commit`, () => DATED);
});

function open(query = "", scopes = SCOPES) {
  return showInRoom(server, <Changes sessionId={SESSION} />, {
    at: `/s/${SESSION}/changes${query}`,
    route: `/s/${SESSION}/changes`,
    scopes,
  });
}

it("lists what differs, and shows how", async () => {
  const { container } = open();
  expect(await screen.findByText("new line")).toBeInTheDocument();
  expect(screen.getByRole("region", { name: "Not tracked" })).toHaveTextContent("<b>new");
  expect(container.querySelector("b")).toBeNull();
  expect(screen.getByText("2 ahead, 0 behind")).toBeInTheDocument();
  expect(server.of(`GET ${GIT}/diff`)[0]?.path).toContain("base=HEAD");
});

it("of files that git does not know the first is shown as added, when there is nothing else", async () => {
  status = { ...status, entries: [entry("notes.md", "?", "?"), entry("other.md", "?", "?")] };
  server
    .on(`GET ${GIT}/diff`, () => ({ ...DIFF, files: [], patch: "" }))
    .on(`GET ${AT}/files/info`, ({ path }) => ({
      ...{ path: "notes.md", name: "notes.md", kind: "file", mode: "0644", modifiedAt: "2026-01-01T00:00:00Z", target: null },
      ...{ size: path.includes("notes.md") ? 12 : 0, etag: '"1"' },
    }))
    .on(`GET ${AT}/files/content`, () => new Response("first\nlater\n", { headers: { ETag: '"1"' } }));
  const { container } = open("", [...SCOPES, "files:read"]);
  expect(await screen.findByText("later")).toBeInTheDocument();
  expect(container.querySelectorAll('[data-kind="removed"]')).toHaveLength(0);
  expect(screen.queryByText("No changes")).toBeNull();
});

it("commits the paths that are checked, and keeps the message when that fails", async () => {
  server.on(`POST ${GIT}/commit`, () => problem(409, { code: "conflict", detail: "there is nothing to commit" }));
  open();
  await userEvent.click(await screen.findByRole("checkbox", { name: "Commit two.txt" }));
  await fill(screen.getByRole("textbox", { name: "Message of the commit" }), "A message");
  await userEvent.click(screen.getByRole("button", { name: "Commit 2 files" }));
  expect(await screen.findByText("There is nothing to commit.")).toBeInTheDocument();
  expect(screen.getByRole("textbox", { name: "Message of the commit" })).toHaveValue("A message");
  expect(server.of(`POST ${GIT}/commit`)[0]?.body).toEqual({
    message: "A message",
    paths: ["one.txt", "<b>new"],
    all: false,
    author: null,
  });
});

it("commits all when all is checked", async () => {
  open();
  await fill(await screen.findByRole("textbox", { name: "Message of the commit" }), "All of it");
  await userEvent.click(screen.getByRole("button", { name: "Commit 3 files" }));
  await waitFor(() => expect(screen.getByRole("textbox", { name: "Message of the commit" })).toHaveValue(""));
  expect(server.of(`POST ${GIT}/commit`)[0]?.body).toMatchObject({ paths: null, all: true });
});

it("leaves out what is in conflict until it is checked, and can abort the merge", async () => {
  status = { ...status, merging: true, entries: [entry("one.txt", "U", "U", { conflict: true })] };
  server.on(`POST ${GIT}/merge/abort`, () => {
    status = { ...status, merging: false, entries: [] };
    return status;
  });
  open();
  expect(await screen.findByText(/1 file in conflict/)).toBeInTheDocument();
  expect(screen.getByRole("checkbox", { name: "Commit one.txt" })).not.toBeChecked();
  await userEvent.click(screen.getByRole("button", { name: "Abort the merge" }));
  await userEvent.click(within(await screen.findByRole("dialog")).getByRole("button", { name: "Abort the merge" }));
  await waitFor(() => expect(screen.queryByText(/in conflict/)).toBeNull());
});

it("shows what a turn has changed, and says so when it is not known", async () => {
  server.on(`GET ${AT}/turns/t1/diff`, () => DIFF);
  server.on(`GET ${AT}/turns/t2/diff`, () => problem(409, { code: "conflict", detail: "there is no snapshot" }));
  const { unmount } = open("?turn=t1");
  expect(await screen.findByText("new line")).toBeInTheDocument();
  unmount();
  open("?turn=t2");
  expect(await screen.findByText("It is not known what this turn has changed")).toBeInTheDocument();
});

it("shows the difference of a commit of the history", async () => {
  open();
  await userEvent.click(await screen.findByText("History"));
  await userEvent.click(await screen.findByText("Change"));
  await waitFor(() => expect(server.of(`GET ${GIT}/diff`).at(-1)?.path).toContain(`base=${"b".repeat(40)}&target=${HASH}`));
});

it("compares the first commit with nothing", async () => {
  server.on(`GET ${GIT}/log`, () => ({ items: [{ ...DATED, parents: [] }], nextCursor: null }));
  open();
  await userEvent.click(await screen.findByText("History"));
  await userEvent.click(await screen.findByText("Change"));
  const empty = "base=4b825dc642cb6eb9a060e54bf8d69288fbee4904";
  await waitFor(() => expect(server.of(`GET ${GIT}/diff`).at(-1)?.path).toContain(`${empty}&target=${HASH}`));
});

it("leaves the branches for the files when a merge stops at conflicts, and stays when it cannot begin", async () => {
  server.on(`POST ${GIT}/merge`, () => problem(409, { code: "conflict", detail: "a merge waits already" }));
  open();
  await userEvent.click(await screen.findByRole("button", { name: "main" }));
  await userEvent.click(await screen.findByRole("button", { name: "Merge topic" }));
  expect(await screen.findByText("A merge waits already.")).toBeInTheDocument();
  server.on(`POST ${GIT}/merge`, () => {
    status = { ...status, merging: true, entries: [entry("one.txt", "U", "U", { conflict: true })] };
    return problem(409, { code: "conflict", detail: "it stopped", errors: [{ detail: "it is in conflict", path: "one.txt" }] });
  });
  await userEvent.click(screen.getByRole("button", { name: "Merge topic" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(await screen.findByText(/1 file in conflict/)).toBeInTheDocument();
  expect(screen.getByRole("link", { name: "Open one.txt" })).toHaveAttribute("href", expect.stringContaining("path=one.txt"));
});

it("shows many files a part at a time, and says of one that is cut where to read it", async () => {
  const files = Array.from({ length: 250 }, (_, at) => ({ path: `f${at}`, original: null, added: 1, removed: 0 }));
  server.on(`GET ${GIT}/diff`, ({ path }) => ({
    ...DIFF,
    ...(path.includes("path=one.txt") ? {} : { files }),
    truncated: true,
  }));
  const { unmount } = open();
  expect(await screen.findAllByRole("article")).toHaveLength(100);
  await userEvent.click(screen.getByRole("button", { name: "Show more of 250 files" }));
  await userEvent.click(screen.getByRole("button", { name: "Show more of 250 files" }));
  expect(screen.getAllByRole("article")).toHaveLength(250);
  expect(screen.getByText(/Choose a file to see all/)).toBeInTheDocument();
  unmount();
  open("?path=one.txt");
  expect(await screen.findByText(/Use git diff in a terminal/)).toBeInTheDocument();
}, 15_000);

it("says that the branch which this one follows is gone", async () => {
  status = { ...status, ahead: null, behind: null };
  open();
  expect(await screen.findByText("origin/main is gone")).toBeInTheDocument();
});

it("shows what the name of a file hides", async () => {
  status = { ...status, entries: ["a\u202egnp.exe", "new\nline", "nested/"].map((path) => entry(path, "?", "?")) };
  open();
  const listed = within(await screen.findByRole("region", { name: "Not tracked" }));
  for (const name of ["aU+202Egnp.exe", "newU+000Aline", "nested/"])
    expect(listed.getByRole("button", { name: (_, shown) => shown.textContent === name })).toBeInTheDocument();
});

it("overwrites a remote's branch only after its name was typed, and keeps no credential", async () => {
  server.on(`POST ${GIT}/push`, () => ({ refs: [] }));
  open();
  await userEvent.click(await screen.findByRole("button", { name: "Push" }));
  await userEvent.click(await screen.findByRole("checkbox", { name: /Overwrite/ }));
  await userEvent.click(screen.getByText("Token"));
  await fill(screen.getByLabelText(/^Token/, { selector: "input[type=password]" }), "secret");
  await fill(screen.getByLabelText(/Type “main”/), "other");
  await userEvent.click(screen.getByRole("button", { name: "Overwrite and push" }));
  expect(server.of(`POST ${GIT}/push`)).toEqual([]);
  await fill(screen.getByLabelText(/Type “main”/), "main");
  await userEvent.click(screen.getByRole("button", { name: "Overwrite and push" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(server.of(`POST ${GIT}/push`)[0]?.body).toMatchObject({ force: true, auth: { type: "token", value: "secret" } });
  expect(JSON.stringify({ ...sessionStorage, ...localStorage })).not.toContain("secret");
}, 15_000);

it("lets nothing be changed by who may only read", async () => {
  open("", ["sessions:read", "git:read"]);
  expect(await screen.findByText("new line")).toBeInTheDocument();
  for (const name of ["Push", "Fetch", "Restore"]) expect(screen.queryByRole("button", { name })).toBeNull();
  expect(screen.queryByRole("checkbox")).toBeNull();
});
