import { screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { SecretView } from "#/api/schema";
import { BASE, fill, showInRoom } from "#/testing/page";
import { problem, Server } from "#/testing/server";
import Secrets from ".";
import { nameError } from "./name";

const TOKEN: SecretView = {
  ...{ name: "NPM_TOKEN", sessions: null, version: 2 },
  ...{ createdAt: "2026-01-01T00:00:00Z", updatedAt: "2026-01-02T00:00:00Z" },
};

function serving(items: SecretView[]): Server {
  return new Server().on(`GET ${BASE}/secrets`, () => ({ items }));
}

test("a list shows names and never values", async () => {
  showInRoom(serving([TOKEN]), <Secrets />);
  await screen.findByText("NPM_TOKEN");
  expect(screen.getByText("All sessions")).toBeInTheDocument();
  expect(screen.getByText("Version 2")).toBeInTheDocument();
});

test("a new secret is put under its name, for all sessions", async () => {
  const server = serving([]).on(`PUT ${BASE}/secrets/API_KEY`, () => TOKEN);
  showInRoom(server, <Secrets />);
  await userEvent.click((await screen.findAllByRole("button", { name: "New secret" }))[0] ?? document.body);
  const form = within(await screen.findByRole("dialog"));
  await fill(form.getByRole("textbox", { name: /Name/ }), "API_KEY");
  await fill(form.getByRole("textbox", { name: /Value/ }), "s3cret");
  await userEvent.click(form.getByRole("button", { name: "Set secret" }));
  await waitFor(() => expect(screen.queryByRole("dialog")).toBeNull());
  expect(server.of(`PUT ${BASE}/secrets/API_KEY`)[0]?.body).toEqual({ value: "s3cret", sessions: null });
});

test("a name that cannot be is told before anything is sent", async () => {
  const server = serving([TOKEN]);
  showInRoom(server, <Secrets />);
  await userEvent.click(await screen.findByRole("button", { name: "New secret" }));
  const form = within(await screen.findByRole("dialog"));
  await fill(form.getByRole("textbox", { name: /Name/ }), "../x");
  await fill(form.getByRole("textbox", { name: /Value/ }), "v");
  await userEvent.click(form.getByRole("button", { name: "Set secret" }));
  expect(form.getByText("A name has letters, digits and _ only.")).toBeInTheDocument();
  expect(server.asked.filter(({ method }) => method === "PUT")).toEqual([]);
});

test("a name that the server refuses keeps what was typed", async () => {
  const server = serving([TOKEN]).on(`PUT ${BASE}/secrets/PATH`, () =>
    problem(400, {
      code: "invalid",
      detail: "this name is taken by the system",
      errors: [{ detail: "taken", parameter: "x" }],
    }),
  );
  showInRoom(server, <Secrets />);
  await userEvent.click(await screen.findByRole("button", { name: "New secret" }));
  const form = within(await screen.findByRole("dialog"));
  await fill(form.getByRole("textbox", { name: /Name/ }), "PATH");
  await fill(form.getByRole("textbox", { name: /Value/ }), "v");
  await userEvent.click(form.getByRole("button", { name: "Set secret" }));
  await form.findByText("This name is taken by the system.");
  expect(form.getByRole("textbox", { name: /Value/ })).toHaveValue("v");
});

test("another value begins with an empty field", async () => {
  showInRoom(serving([TOKEN]), <Secrets />);
  await userEvent.click(await screen.findByRole("button", { name: "Replace" }));
  expect(await screen.findByRole("textbox", { name: /Value/ })).toHaveValue("");
});

test("whoever may only read sets nothing", async () => {
  showInRoom(serving([TOKEN]), <Secrets />, { without: ["secrets:write"] });
  await screen.findByText("NPM_TOKEN");
  expect(screen.queryAllByRole("button", { name: /New secret|Replace|Delete/ })).toEqual([]);
});

test("names of environment variables are fine, and nothing that could be a path is", () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/), (name) => {
      expect(nameError(name)).toBeNull();
    }),
  );
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), fc.constantFrom("/", ".", "=", " ", "\n", "%"), (text, other) => {
      expect(nameError(text + other)).not.toBeNull();
    }),
  );
});
