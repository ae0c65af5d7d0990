import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test } from "vitest";
import type { ChannelMessageView, ChannelView } from "#/api/schema";
import { workKey } from "#/api/work";
import { BASE, showInRoom, WORKSPACE } from "#/testing/page";
import { Server } from "#/testing/server";
import Channels from ".";

const ID = "ch000000000000000000000001";
const AT = `${BASE}/channels/${ID}`;
const CHANNEL: ChannelView = {
  ...{ channelId: ID, workspaceId: WORKSPACE, name: "deploys", topic: "What goes out", last: 3 },
  ...{ createdAt: "2026-01-01T00:00:00Z", updatedAt: "2026-01-01T00:00:00Z" },
};
const OTHER: ChannelView = { ...CHANNEL, channelId: "ch2", name: "general", last: 7 };

function message(number: number, change: Partial<ChannelMessageView> = {}): ChannelMessageView {
  const createdAt = "2026-01-01T10:00:00Z";
  return {
    channelId: ID,
    workspaceId: WORKSPACE,
    number,
    author: WORKSPACE,
    name: "",
    text: `text ${number}`,
    createdAt,
    ...change,
  };
}

let server: Server;
let messages: ChannelMessageView[];

beforeEach(() => {
  messages = [message(1), message(2, { name: "the administrator" }), message(3, { createdAt: "2026-01-02T10:00:00Z" })];
  server = new Server()
    .on(`GET ${BASE}/channels`, () => ({ items: [{ ...CHANNEL, last: messages.at(-1)?.number }, OTHER] }))
    .on(`GET ${AT}`, () => ({ ...CHANNEL, last: messages.at(-1)?.number }))
    .on(`GET ${AT}/messages`, ({ path }) => {
      const query = new URL(path, "http://x").searchParams;
      const following = messages.filter(({ number }) => number > Number(query.get("after")));
      return { items: following.slice(0, Number(query.get("limit"))), last: messages.at(-1)?.number, reset: false };
    })
    .on(`POST ${AT}/messages`, ({ body }) => {
      const made = message(messages.length + 1, typeof body === "object" ? { ...body } : {});
      messages.push(made);
      return made;
    });
});

function open() {
  return showInRoom(server, <Channels />, { at: `/channels/${ID}`, route: "/channels/:channelId" });
}

test("messages stand below their day, by number", async () => {
  open();
  const log = await screen.findByRole("log");
  await within(log).findByText("text 3");
  expect(log).toHaveTextContent(/January 1, 2026.*text 1.*text 2.*January 2, 2026.*text 3/);
});

test("the name that a sender has chosen is not shown as the author", async () => {
  open();
  const claim = await screen.findByText(/calls itself/);
  expect(claim).toHaveTextContent("calls itself “the administrator”");
  expect(claim.previousElementSibling).toHaveTextContent(`workspace ${WORKSPACE.slice(0, 8)}…`);
});

test("older messages come when the first one is near", async () => {
  messages = Array.from({ length: 150 }, (_, index) => message(index + 1));
  open();
  await screen.findByText("text 1");
  await screen.findByText("The channel begins here");
  expect(server.of(`GET ${AT}/messages`).map(({ path }) => path.split("?")[1])).toEqual([
    "after=50&limit=100",
    "after=0&limit=50",
  ]);
});

test("numbers that are missing are told", async () => {
  messages.push(message(9));
  open();
  await screen.findByText("5 messages are not kept");
});

test("Enter sends, Shift-Enter begins a line", async () => {
  open();
  const field = await screen.findByRole("textbox", { name: "Message to #deploys" });
  await userEvent.type(field, "one{Shift>}{Enter}{/Shift}two{Enter}");
  expect(field).toHaveValue("");
  await waitFor(() => expect(server.of(`POST ${AT}/messages`)[0]?.body).toEqual({ text: "one\ntwo", name: "" }));
  expect(await screen.findByText(/one\s+two/)).toBeInTheDocument();
});

test("nothing but spaces is not sent", async () => {
  open();
  await userEvent.type(await screen.findByRole("textbox", { name: "Message to #deploys" }), "  {Enter}");
  expect(server.of(`POST ${AT}/messages`)).toEqual([]);
});

test("a message that is too long is not sent, and stays", async () => {
  open();
  const field = await screen.findByRole("textbox", { name: "Message to #deploys" });
  await userEvent.click(field);
  await userEvent.paste("é".repeat(9000));
  expect(screen.getByText(/A message has at most 16.0 KiB; this one has 17.6 KiB/)).toBeInTheDocument();
  expect(screen.getByRole("button", { name: "Send" })).toBeDisabled();
});

test("what others say comes without asking", async () => {
  open();
  await screen.findByText("text 3");
  messages.push(message(4, { text: "news" }));
  server.tell("channel", { ...CHANNEL, last: 4 });
  await screen.findByText("news");
});

test("channels with something new stand out, until they are read", async () => {
  open();
  const side = await screen.findByRole("navigation", { name: "Channels" });
  expect(within(side).getByLabelText("7 unread")).toBeInTheDocument();
  await screen.findByText("text 3");
  expect(within(side).queryByLabelText("3 unread")).toBeNull();
  // Beyond what the other tests have read: marks only go forward.
  messages.push(message(900));
  server.tell("channel", { ...CHANNEL, last: 900 });
  await waitFor(() => expect(localStorage.getItem(workKey("seen"))).toContain(`"${ID}":900`));
  server.tell("channel", { ...OTHER, last: 9 });
  await within(side).findByLabelText("9 unread");
});

test("a channel that somebody else deletes leaves the list, and says so where it is open", async () => {
  open();
  const side = await screen.findByRole("navigation", { name: "Channels" });
  await screen.findByText("text 3");
  server.tell("channelDeleted", { channelId: ID, workspaceId: WORKSPACE });
  await screen.findByRole("heading", { name: "There is no such channel" });
  expect(within(side).queryByRole("link", { name: /deploys/ })).toBeNull();
});

test("whoever may only read has no field to write in", async () => {
  showInRoom(server, <Channels />, { at: `/channels/${ID}`, route: "/channels/:channelId", without: ["channels:write"] });
  await screen.findByText("text 3");
  expect(screen.queryByRole("textbox")).toBeNull();
});

test("a channel that is not there says so", async () => {
  showInRoom(server, <Channels />, { at: "/channels/ch9", route: "/channels/:channelId" });
  await screen.findByRole("heading", { name: "There is no such channel" });
});
