import { screen } from "@testing-library/react";
import { expect, test } from "vitest";
import type { AgentView } from "#/api/schema";
import { showInRoom } from "#/testing/page";
import { Server } from "#/testing/server";
import { Obstacle } from "./head";

const AGENT: Omit<AgentView, "auth"> = {
  agent: "codex",
  title: "Codex",
  installed: true,
  reason: null,
  models: [],
};

test.each([
  ["disabled", "Switch it on in the settings"],
  ["missing", "Give it one in the settings"],
] as const)("what an agent lacks whose sign-in is %s is named: %s", async (auth, offered) => {
  showInRoom(new Server(), <Obstacle agent={{ ...AGENT, auth }} />);
  expect(await screen.findByRole("link", { name: offered })).toBeVisible();
});
