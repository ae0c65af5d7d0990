import { screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test } from "vitest";
import type { NamedView } from "#/api/schema";
import { BASE, ME, showInRoom } from "#/testing/page";
import { Server } from "#/testing/server";
import { Called, Maker } from "./called";

const ADA = "u000000000000000000000002";
const EVE = "u000000000000000000000003";
const KEY = "ky000000000000000000000001";
const user = userEvent.setup();
let server: Server;

beforeEach(() => {
  server = new Server();
  const items: NamedView[] = [
    { id: ADA, kind: "person", name: "Ada Lovelace", former: false },
    { id: EVE, kind: "person", name: "\u202e<b>key ci</b>", former: true },
    { id: KEY, kind: "key", name: "Ada Lovelace", former: false },
    { id: "admin:mallory", kind: "operator", name: "mallory", former: true },
  ];
  server.on(`GET ${BASE}/names`, ({ path }) => ({ items: items.filter(({ id }) => decodeURIComponent(path).includes(id)) }));
});

test("a person is called by name, and the id is there for who comes to it by the keyboard, and to be copied", async () => {
  showInRoom(server, <Called id={ADA} />);
  const button = await screen.findByRole("button", { name: "Ada Lovelace" });
  await user.tab();
  expect(button).toHaveFocus();
  expect(await screen.findByText(new RegExp(ADA))).toBeInTheDocument();
  await user.keyboard("{Enter}");
  expect(await navigator.clipboard.readText()).toBe(ADA);
});

test("a key is told from a person of its name, and who has left is told as that", async () => {
  showInRoom(
    server,
    <p data-testid="line">
      <Maker by={`${EVE}/${KEY}`} />
    </p>,
  );
  await screen.findByRole("button", { name: "key Ada Lovelace" });
  expect(screen.getByTestId("line")).toHaveTextContent("\u202e<b>key ci</b> (left) with key Ada Lovelace");
  expect(screen.getByText("\u202e<b>key ci</b>").tagName).toBe("BDI");
});

test.each([
  [ME.personId ?? "", "u0000000… (you)"],
  ["u00000000000000000000000f", "u0000000…"],
  ["ky00000000000000000000000f", "key ky000000…"],
  ["admin:eve", "operator eve"],
  ["admin", "administrator"],
  ["anonymous", "anonymous"],
])("%s, of which no name is told, is %s", async (id, expected) => {
  showInRoom(server, <Called id={id} />);
  expect(await screen.findByRole("button")).toHaveTextContent(expected);
});

test("an operator whom the host has no more has left", async () => {
  showInRoom(server, <Called id="admin:mallory" />);
  await screen.findByRole("button", { name: "operator mallory (left)" });
});

test("of what many places name at once the server is asked once", async () => {
  showInRoom(
    server,
    <p>
      <Called id={ADA} />
      <Called id={KEY} />
      <Called id={ADA} />
    </p>,
  );
  await screen.findByRole("button", { name: "key Ada Lovelace" });
  expect(server.of(`GET ${BASE}/names`)).toHaveLength(1);
});
