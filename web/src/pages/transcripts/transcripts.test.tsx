import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test, vi } from "vitest";
import type { EntryView, Scope } from "#/api/schema";
import { sized } from "#/testing/outside";
import { BASE, showInRoom } from "#/testing/page";
import { problem, Server } from "#/testing/server";
import Transcripts from ".";
import { entry, transcript } from "./samples";
import Transcript from "./transcript";

const SCOPES: readonly Scope[] = ["sessions:read", "transcripts:read"];
const LIST = `GET ${BASE}/transcripts`;
const ONE = `GET ${BASE}/transcripts/tr1`;
const SAID: EntryView[] = [
  entry({ seq: 1, role: "user", text: "Mend <script>alert(1)</script> it" }),
  entry({ seq: 2, role: "thinking", text: "Where is it\nwrong?" }),
  entry({ seq: 3, role: "tool", name: "Bash", input: { command: "make test" }, output: "1 failed", error: true }),
  entry({ seq: 4, text: "It is **mended**." }),
];

let server: Server;

beforeEach(() => {
  sized();
  server = new Server();
});

function showList(at = "/transcripts") {
  const page = (
    <main id="main">
      <Transcripts />
    </main>
  );
  return showInRoom(server, page, { at, route: "/transcripts", scopes: SCOPES });
}

/** Shows a transcript of which the server has `entries`, `size` in a page. */
function read(entries: readonly EntryView[] = SAID, size = 500) {
  server.on(ONE, ({ path }) => {
    const query = new URLSearchParams(path.split("?")[1]);
    const after = Number(query.get("after") ?? 0);
    const items = entries.slice(after, after + Math.min(size, Number(query.get("limit") ?? 100)));
    const next = after + items.length;
    return { transcript: transcript(), items, nextAfter: next < entries.length ? next : null, complete: true };
  });
  const page = (
    <main id="main">
      <Transcript />
    </main>
  );
  return showInRoom(server, page, { at: "/transcripts/tr1", route: "/transcripts/:transcriptId", scopes: SCOPES });
}

test("the list says whose they are, how long, and what they cost", async () => {
  server.on(LIST, () => ({
    items: [transcript(), transcript({ transcriptId: "tr2", agent: "codex", title: "" })],
    nextCursor: null,
    indexing: false,
  }));
  showList();
  const link = await screen.findByRole("link", { name: "Mend the parser" });
  const [row] = screen.getAllByRole("listitem");
  expect(row).toContainElement(link);
  for (const text of ["Claude Code", "/work", "4 entries", "1.2K tokens · $0.25"]) expect(row).toHaveTextContent(text);
  expect(screen.getByRole("link", { name: "Without a title" })).toBeVisible();
});

test("without any it is said where they come from, and while the home is read that there may be more", async () => {
  server.on(LIST, () => ({ items: [], nextCursor: null, indexing: true }));
  showList();
  await screen.findByText("No transcript yet");
  expect(screen.getByText(/there may be more/)).toBeVisible();
});

test("a filter of agents is the server's", async () => {
  server.on(LIST, () => ({ items: [transcript()], nextCursor: null, indexing: false }));
  showList();
  await screen.findByText("Mend the parser");
  await userEvent.click(screen.getByRole("combobox", { name: "Agent" }));
  await userEvent.click(await screen.findByRole("option", { name: "Codex" }));
  await waitFor(() => expect(server.of(LIST).at(-1)?.path).toContain("agent=codex"));
});

test("titles are searched in all pages, however many there are", async () => {
  server.on(LIST, ({ path }) =>
    path.includes("cursor=next")
      ? { items: [transcript({ transcriptId: "tr2", title: "Mend the linker" })], nextCursor: null, indexing: false }
      : { items: [transcript()], nextCursor: "next", indexing: false },
  );
  showList();
  await screen.findByText("Mend the parser");
  expect(screen.getByRole("button", { name: "Show older ones" })).toBeVisible();
  await userEvent.click(screen.getByLabelText("Search titles"));
  await userEvent.paste("linker");
  await screen.findByRole("link", { name: "Mend the linker" });
  expect(screen.queryByText("Mend the parser")).toBeNull();
});

test("what was said is searched by the server, on through pages where it is not found", async () => {
  server.on(LIST, ({ path }) => {
    if (!path.includes("q=flaky")) return { items: [transcript()], nextCursor: null, indexing: false };
    const found = transcript({ transcriptId: "tr2", title: "Mend the linker" });
    return path.includes("cursor=next")
      ? { items: [found], nextCursor: null, indexing: false }
      : { items: [], nextCursor: "next", indexing: false };
  });
  showList();
  await screen.findByText("Mend the parser");
  await userEvent.type(screen.getByLabelText("Search titles"), "flaky{Enter}");
  await screen.findByRole("link", { name: "Mend the linker" });
  expect(screen.queryByText("Mend the parser")).toBeNull();
  await userEvent.click(screen.getByRole("button", { name: "In what was said" }));
  await screen.findByText("Nothing like that");
});

test("one that grows, and one that is new, are seen without a reload", async () => {
  server
    .on(LIST, () => ({ items: [transcript()], nextCursor: null, indexing: false }))
    .on(ONE, () => ({ transcript: transcript({ title: "Mend all" }), items: [], nextAfter: null, complete: true }))
    .on(`GET ${BASE}/transcripts/tr2`, () => ({
      transcript: transcript({ transcriptId: "tr2", title: "Another" }),
      items: [],
      nextAfter: null,
      complete: true,
    }));
  showList();
  await screen.findByText("Mend the parser");
  server.tell("transcript", { transcriptId: "tr1", agent: "claude", sessionId: null });
  server.tell("transcript", { transcriptId: "tr1", agent: "claude", sessionId: null });
  server.tell("transcript", { transcriptId: "tr2", agent: "claude", sessionId: null });
  await screen.findByText("Mend all", {}, { timeout: 4000 });
  await screen.findByText("Another");
  expect(server.of(ONE)).toHaveLength(1);
});

test("what was said is shown, and what was thought and done is folded", async () => {
  read();
  await screen.findByRole("heading", { name: "Mend the parser" });
  const [user, thought, tool, agent] = await screen.findAllByRole("article");
  expect(user).toHaveTextContent("Mend <script>alert(1)</script> it");
  expect(document.querySelector("script")).toBeNull();
  expect(thought).not.toHaveTextContent("wrong?");
  expect(tool).toHaveTextContent("Bash make test failed");
  expect(tool).not.toHaveTextContent("1 failed");
  expect(agent?.querySelector("strong")).toHaveTextContent("mended");
  if (tool) await userEvent.click(within(tool).getByText("Bash"));
  await screen.findByText("1 failed");
});

test("a search opens what it finds, and Enter goes on to the next", async () => {
  read([...SAID, entry({ seq: 5, role: "tool", name: "Bash", input: { command: "make" }, output: "0 failed" })]);
  await screen.findAllByRole("article");
  await userEvent.keyboard("/");
  await userEvent.paste("failed");
  await screen.findByText("1 of 2");
  expect(await screen.findByText("1 failed")).toBeVisible();
  await userEvent.keyboard("{Enter}");
  await screen.findByText("2 of 2");
  await userEvent.keyboard("{Shift>}{Enter}{/Shift}");
  await screen.findByText("1 of 2");
});

test("a search reads on to the end of a long transcript", async () => {
  const many = Array.from({ length: 150 }, (_, at) => entry({ seq: at + 1, text: at === 149 ? "needle" : "hay" }));
  read(many, 60);
  await screen.findAllByRole("article");
  await userEvent.click(screen.getByLabelText("Search in the transcript"));
  await userEvent.paste("needle");
  await screen.findByText("1 of 1");
});

test("what is written meanwhile appears, and a tool's answer with it", async () => {
  const entries = [entry({ seq: 1, role: "user", text: "Go" }), entry({ seq: 2, role: "tool", name: "Bash" })];
  read(entries);
  await screen.findAllByRole("article");
  entries[1] = entry({ seq: 2, role: "tool", name: "Bash", output: "done", error: true });
  entries.push(entry({ seq: 3, text: "It is done." }));
  server.tell("transcript", { transcriptId: "tr1", agent: "claude", sessionId: null });
  await screen.findByText("It is done.", {}, { timeout: 4000 });
  expect(screen.getByText("failed")).toBeVisible();
});

test("all of it is exported, page by page", async () => {
  const saved: Blob[] = [];
  vi.stubGlobal(
    "URL",
    Object.assign(URL, { createObjectURL: (blob: Blob) => saved.push(blob) && "blob:x", revokeObjectURL: () => {} }),
  );
  read(SAID, 3);
  await screen.findAllByRole("article");
  await userEvent.click(screen.getByRole("button", { name: "Export" }));
  await userEvent.click(await screen.findByRole("menuitem", { name: "JSON" }));
  await waitFor(() => expect(saved).toHaveLength(1));
  const document: unknown = JSON.parse((await saved[0]?.text()) ?? "");
  expect(document).toMatchObject({ complete: true, items: SAID });
});

test("one that cannot be read says why, and can be asked for again", async () => {
  server.on(ONE, () => problem(404, { code: "not_found", detail: "there is no such transcript" }));
  showInRoom(server, <Transcript />, { at: "/transcripts/tr1", route: "/transcripts/:transcriptId", scopes: SCOPES });
  await screen.findByText("There is no such transcript.");
  expect(screen.getByRole("button", { name: "Try again" })).toBeVisible();
});
