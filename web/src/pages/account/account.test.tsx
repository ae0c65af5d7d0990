import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test } from "vitest";
import type { BrowserSessionView, Me } from "#/api/schema";
import { ADMIN, showOutside } from "#/testing/outside";
import { ME } from "#/testing/page";
import { Server } from "#/testing/server";
import Account from ".";
import { agentName } from "./agent";

const FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0";
const PERSON: Me = {
  ...ME,
  name: "Ada",
  email: "ada@example.org",
  organisations: [{ organisationId: "o1", slug: "acme", name: "Acme", rank: "owner" }],
};

let server: Server;
let items: BrowserSessionView[];

function browser(id: string, with_: Partial<BrowserSessionView> = {}): BrowserSessionView {
  const times = { createdAt: "2026-01-01T00:00:00Z", lastUsedAt: "2026-01-01T00:00:00Z", expiresAt: "2030-01-01T00:00:00Z" };
  return { id, name: "", current: false, address: "192.0.2.7", agent: FIREFOX, ...times, ...with_ };
}

beforeEach(() => {
  items = [browser("b1", { current: true }), browser("b2")];
  server = new Server()
    .on("GET /api/auth/sessions", () => ({ items }))
    .on("GET /api/auth/handover", () => ({ items: [], nextCursor: null }));
});

test("a person sees who they are, and what they are where", async () => {
  showOutside(<Account me={PERSON} />, { me: PERSON });
  expect(await screen.findByText("ada@example.org")).toBeVisible();
  expect(screen.getByRole("link", { name: "Acme" })).toHaveAttribute("href", "/orgs/o1");
  expect(screen.getByText(/, owner/)).toBeVisible();
});

test("another browser is signed out, and this one stays", async () => {
  server.on("DELETE /api/auth/sessions/b2", () => {
    items = items.slice(0, 1);
  });
  const { history } = showOutside(<Account me={PERSON} />, { me: PERSON, at: "/account" });
  await userEvent.click(await screen.findByRole("button", { name: "Sign out Firefox 144 on Linux at 192.0.2.7" }));
  await waitFor(() => expect(screen.getByRole("list", { name: "Browsers" }).children).toHaveLength(1));
  expect(history).toEqual(["/account"]);
});

test.each([
  ["this browser", "DELETE /api/auth/sessions/b1", "Sign out this browser"],
  ["every browser", "DELETE /api/auth/sessions", "Sign out everywhere"],
])("to sign %s out leads to the way in", async (_, request, name) => {
  server.on(request, () => undefined);
  const { history } = showOutside(<Account me={ADMIN} />, { at: "/account" });
  await userEvent.click(await screen.findByRole("button", { name }));
  if (name === "Sign out everywhere")
    await userEvent.click(within(await screen.findByRole("dialog")).getByRole("button", { name }));
  await waitFor(() => expect(history.at(-1)).toBe("/signin"));
  expect(server.of(request)).toHaveLength(1);
});

test("a link for another device is shown once, and taken back", async () => {
  const made = {
    handoverId: "iv1",
    kind: "signin",
    keyId: null,
    createdBy: "u",
    token: "hot_x",
    url: "https://h/#redeem=hot_x",
  };
  const times = { createdAt: "2026-01-01T00:00:00Z", expiresAt: new Date(Date.now() + 300_000).toISOString() };
  let waiting: object[] = [];
  server
    .on("GET /api/auth/handover", () => ({ items: waiting, nextCursor: null }))
    .on("POST /api/auth/handover", () => {
      waiting = [{ ...made, ...times }];
      return { ...made, ...times };
    })
    .on("DELETE /api/auth/handover/iv1", () => {
      waiting = [];
    });
  showOutside(<Account me={PERSON} />, { me: PERSON });
  await userEvent.click(await screen.findByRole("button", { name: "New link" }));
  expect(await screen.findByTestId("secret")).toHaveTextContent("https://h/#redeem=hot_x");
  await userEvent.click(await screen.findByRole("button", { name: "Take back" }));
  await userEvent.click(within(await screen.findByRole("dialog")).getByRole("button", { name: "Take back" }));
  await waitFor(() => expect(screen.queryByTestId("secret")).toBeNull());
});

test("an administrator is told how another device is signed in", async () => {
  showOutside(<Account me={ADMIN} />);
  expect(await screen.findByText("hostelctl invite --admin --url")).toBeVisible();
  expect(server.of("GET /api/auth/handover")).toEqual([]);
});

test.each([
  [FIREFOX, "Firefox 144 on Linux"],
  [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0",
    "Edge 141 on Windows",
  ],
  [
    "Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1",
    "Safari 26 on iPhone",
  ],
  ["curl/8.5.0", "curl/8.5.0"],
  ["", "Something that does not say what it is"],
])("“%s” is called %s", (text, name) => {
  expect(agentName(text)).toBe(name);
});
