import { screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test, vi } from "vitest";
import { showInRoom } from "#/testing/page";
import { problem, Server } from "#/testing/server";
import { Indicator } from "./indicator";

let server: Server;
let answers: (() => Response | Promise<Response>)[];

beforeEach(() => {
  server = new Server();
  answers = [];
  const served = fetch;
  vi.stubGlobal("fetch", async (input: Request | string, init?: RequestInit) => {
    const answer = String(input).includes("/api/events") ? answers.shift() : undefined;
    return answer ? answer() : served(input, init);
  });
});

function show(): void {
  const page = (
    <>
      <header id="live" />
      <Indicator />
      the page
    </>
  );
  showInRoom(server, page);
}

test("nothing is said while all is well", async () => {
  show();
  await screen.findByText("the page");
  expect(screen.queryByRole("button", { name: "Retry" })).toBeNull();
});

test("a connection that is lost is said, and is tried at once when that is wanted", async () => {
  answers = [() => problem(503, { code: "unavailable", detail: "soon" })];
  vi.spyOn(Math, "random").mockReturnValue(1);
  show();
  await screen.findByText("Reconnecting…");
  await userEvent.click(screen.getByRole("button", { name: "Retry" }));
  await waitFor(() => expect(screen.queryByText("Reconnecting…")).toBeNull());
});

test("a refusal is said in the server's words, and the page stays", async () => {
  answers = [() => problem(403, { code: "forbidden", detail: "not for you" })];
  show();
  expect(await screen.findByRole("alert")).toHaveTextContent("Not live: Not for you.");
  expect(screen.getByText("the page")).toBeVisible();
  await userEvent.click(screen.getByRole("button", { name: "Retry" }));
  await waitFor(() => expect(screen.queryByRole("alert")).toBeNull());
});
