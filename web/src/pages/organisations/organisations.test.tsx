import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test } from "vitest";
import { useExpired } from "#/api/identity";
import type { Me, OrganisationView, Rank } from "#/api/schema";
import { ADMIN, showOutside } from "#/testing/outside";
import { ME } from "#/testing/page";
import { problem, Server } from "#/testing/server";
import Organisations from "./index";
import Organisation from "./organisation";

const ID = "o000000000000000000000001";
const AT = `/api/orgs/${ID}`;
const user = userEvent.setup();
let server: Server;

function organisation(rank: Rank | null): OrganisationView {
  return {
    organisationId: ID,
    slug: "acme",
    name: "Acme",
    rank,
    createdAt: "2026-01-01T00:00:00Z",
    updatedAt: "2026-01-01T00:00:00Z",
  };
}

function member(personId: string, name: string, rank: Rank) {
  return { personId, name, email: null, rank, joinedAt: "2026-01-01T00:00:00Z" };
}

beforeEach(() => {
  server = new Server()
    .on("GET /api/auth/me", () => ME)
    .on("GET /api/orgs", () => ({ items: [organisation("owner")], nextCursor: null }))
    .on(`GET ${AT}/invitations`, () => ({ items: [], nextCursor: null }))
    .on(`GET ${AT}/members`, () => ({
      items: [member(ME.personId ?? "", "Me", "admin"), member("u2", "Olga", "owner"), member("u3", "Mia", "member")],
      nextCursor: null,
    }));
});

function showAll(me: Me) {
  return showOutside(<Organisations me={me} />, { me, at: "/orgs" }).history;
}

function showOne(rank: Rank | null, me: Me = ME, tab = "members") {
  server.on(`GET ${AT}`, () => Response.json(organisation(rank), { headers: { ETag: '"1"' } }));
  return showOutside(<Organisation organisationId={ID} me={me} />, { me, at: `/orgs/${ID}?tab=${tab}` }).history;
}

function Expired() {
  return useExpired() ? "expired" : "signed in";
}

test("whoever makes an organisation goes to it, under a slug that its name says", async () => {
  server.on("POST /api/orgs", () => organisation("owner"));
  const history = showAll({ ...ME, scopes: ["organisations:create"] });
  await user.click(screen.getByRole("button", { name: "New organisation" }));
  await user.type(await screen.findByRole("textbox", { name: "Name" }), "Acme Inc.");
  await user.click(screen.getByRole("button", { name: "Create" }));
  await waitFor(() => expect(history?.at(-1)).toBe(`/orgs/${ID}`));
  expect(server.of("POST /api/orgs")[0]?.body).toEqual({ name: "Acme Inc.", slug: "acme-inc" });
});

test("a slug that is taken is said at the slug, and another one is another request", async () => {
  const replies = [
    problem(422, { code: "invalid", errors: [{ pointer: "/slug", detail: "is reserved" }] }),
    organisation("owner"),
  ];
  server.on("POST /api/orgs", () => replies.shift());
  showAll({ ...ME, scopes: ["organisations:create"] });
  await user.click(screen.getByRole("button", { name: "New organisation" }));
  await user.type(await screen.findByRole("textbox", { name: "Name" }), "Admin");
  await user.click(screen.getByRole("button", { name: "Create" }));
  const slug = screen.getByRole("textbox", { name: "Slug" });
  await waitFor(() => expect(slug).toHaveAccessibleDescription(expect.stringContaining("Is reserved.")));
  await user.type(slug, "s");
  await user.click(screen.getByRole("button", { name: "Create" }));
  await waitFor(() => expect(server.of("POST /api/orgs").length).toBe(2));
  const [first, second] = server.of("POST /api/orgs");
  expect(second?.headers.get("Idempotency-Key")).not.toBe(first?.headers.get("Idempotency-Key"));
});

test("a link that was pasted is taken for the token in it", async () => {
  server.on("POST /api/orgs/invitations/accept", () => ({ organisationId: ID, personId: ME.personId, rank: "member" }));
  const history = showAll(ME);
  await user.click(screen.getByRole("button", { name: "Join by invitation" }));
  await user.type(screen.getByLabelText(/Link or token/), "https://hostel.example/orgs#join=hot_x");
  await user.click(screen.getByRole("button", { name: "Join" }));
  await waitFor(() => expect(history?.at(-1)).toBe(`/orgs/${ID}`));
  expect(server.of("POST /api/orgs/invitations/accept")[0]?.body).toEqual({ token: "hot_x" });
});

test("an invitation that is good no more does not look like a sign-in that has ended", async () => {
  server.on("POST /api/orgs/invitations/accept", () => problem(401, { code: "unauthorized", detail: "no" }));
  showOutside(
    <>
      <Organisations me={ME} />
      <Expired />
    </>,
    { me: ME },
  );
  await user.click(screen.getByRole("button", { name: "Join by invitation" }));
  await user.type(screen.getByLabelText(/Link or token/), "hot_x");
  await user.click(screen.getByRole("button", { name: "Join" }));
  expect(await screen.findByText(/This invitation is good no more/)).toBeVisible();
  expect(screen.getByText("signed in")).toBeVisible();
});

test("an admin of an organisation touches all but its owners", async () => {
  showOne("admin");
  const ranks = await screen.findByRole("combobox", { name: "Rank of Mia" });
  expect(
    within(ranks)
      .getAllByRole("option")
      .map(({ textContent }) => textContent),
  ).toEqual(["viewer", "member", "admin"]);
  expect(screen.queryByRole("combobox", { name: "Rank of Olga" })).toBeNull();
  expect(screen.queryByRole("button", { name: "Remove Olga" })).toBeNull();
  expect(screen.getByRole("button", { name: "Leave the organisation" })).toBeVisible();
});

test("an administrator of the host stands above the owners", async () => {
  showOne(null, ADMIN);
  const ranks = await screen.findByRole("combobox", { name: "Rank of Olga" });
  expect(within(ranks).getAllByRole("option").length).toBe(4);
  expect(screen.queryByRole("button", { name: "Leave the organisation" })).toBeNull();
});

test("a member sees who is there, and is offered nothing but to leave", async () => {
  showOne("member");
  expect(await screen.findByText("Olga")).toBeVisible();
  expect(screen.getAllByRole("tab").map(({ textContent }) => textContent)).toEqual(["Members", "Workspaces", "Audit"]);
  expect(screen.queryByRole("combobox")).toBeNull();
  expect(screen.queryByRole("button", { name: "Invite somebody" })).toBeNull();
});

test("a rank that cannot be changed stays what it was", async () => {
  server.on(`PATCH ${AT}/members/u3`, () => problem(409, { code: "conflict", detail: "there must be an owner" }));
  showOne("owner");
  const rank = await screen.findByRole("combobox", { name: "Rank of Mia" });
  await user.selectOptions(rank, "admin");
  await waitFor(() => expect(rank).toBeEnabled());
  expect(rank).toHaveValue("member");
  expect(server.of(`PATCH ${AT}/members/u3`)[0]?.body).toEqual({ rank: "admin" });
});

test("an invitation is shown once, as a link", async () => {
  const invitation = { invitationId: "i1", organisationId: ID, rank: "viewer", createdAt: "2026-01-01T00:00:00Z" };
  server.on(`POST ${AT}/invitations`, () => ({
    ...invitation,
    createdBy: "u1",
    expiresAt: "2026-01-02T00:00:00Z",
    token: "hot_t",
  }));
  showOne("owner");
  await user.click(await screen.findByRole("button", { name: "Invite somebody" }));
  await user.selectOptions(await screen.findByRole("combobox", { name: "As" }), "viewer");
  await user.selectOptions(screen.getByRole("combobox", { name: "Good for" }), "1 day");
  await user.click(screen.getByRole("button", { name: "Make the invitation" }));
  expect(await screen.findByText(`${location.origin}/orgs#join=hot_t`)).toBeVisible();
  expect(server.of(`POST ${AT}/invitations`)[0]?.body).toEqual({ rank: "viewer", lifetime: 86_400 });
  await user.click(screen.getByRole("button", { name: "Done" }));
  await waitFor(() => expect(document.body).not.toHaveTextContent("hot_t"));
});

test("somebody else's change of the name is shown when it is asked for, and what was typed stays until then", async () => {
  server.on(`PATCH ${AT}`, () => problem(412, { code: "precondition_failed" }));
  showOne("owner", ME, "settings");
  const name = await screen.findByRole("textbox", { name: "Name" });
  await user.type(name, " 2");
  await user.click(screen.getByRole("button", { name: "Save" }));
  expect(await screen.findByText(/Somebody else has changed the organisation/)).toBeVisible();
  expect(name).toHaveValue("Acme 2");
  expect(server.of(`PATCH ${AT}`)[0]?.headers.get("If-Match")).toBe('"1"');
  const other = { ...organisation("owner"), name: "Other" };
  server.on(`GET ${AT}`, () => Response.json(other, { headers: { ETag: '"2"' } }));
  await user.click(screen.getByRole("button", { name: "Show what it is now" }));
  await waitFor(() => expect(screen.getByRole("textbox", { name: "Name" })).toHaveValue("Other"));
});

test("an organisation is deleted when its slug was typed", async () => {
  server.on(`DELETE ${AT}`, () => undefined);
  const history = showOne("owner", ME, "settings");
  await user.click(await screen.findByRole("button", { name: "Delete" }));
  const dialog = within(await screen.findByRole("dialog"));
  expect(dialog.getByRole("button", { name: "Delete" })).toBeDisabled();
  await user.type(dialog.getByRole("textbox"), "acme");
  await user.click(dialog.getByRole("button", { name: "Delete" }));
  await waitFor(() => expect(history?.at(-1)).toBe("/orgs"));
});
