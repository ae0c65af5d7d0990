import { screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { Providers } from "#/pages/settings/providers";
import { BASE, showInRoom } from "#/testing/page";
import { Server } from "#/testing/server";
import { workspace } from "#/testing/workspaces";
import { useAgents } from "./agents";

function Names() {
  return (
    <p>
      {useAgents()
        .data?.map(({ title }) => title)
        .join()}
    </p>
  );
}

test("whatever page asks for the agents first, all find what they expect", async () => {
  const server = new Server().on(`GET ${BASE}/agents`, () => ({
    items: [{ agent: "forge", title: "Forge", installed: true, auth: "ready", reason: null, models: [] }],
  }));
  showInRoom(
    server,
    <>
      <Names />
      <Providers seen={{ view: workspace(), etag: "" }} />
    </>,
    { scopes: ["agents:read", "workspaces:read"] },
  );
  expect(await screen.findByText("Forge")).toBeVisible();
  expect(screen.getByText("forge")).toBeVisible();
  expect(server.of(`GET ${BASE}/agents`)).toHaveLength(1);
});
