import { act, renderHook } from "@testing-library/react";
import { beforeEach, expect, test, vi } from "vitest";

beforeEach(() => {
  sessionStorage.clear();
  history.replaceState(null, "", "/orgs");
  // Each test opens the page anew.
  vi.resetModules();
});

async function opened() {
  const join = await import("./join");
  return { ...join, invitation: renderHook(() => join.useInvitation()).result };
}

test("an invitation leaves the address before anything else happens", async () => {
  history.replaceState(null, "", "/orgs#join=hot_a%2Bb");
  const { invitation } = await opened();
  expect(invitation.current).toBe("hot_a+b");
  expect(location.href).not.toContain("join");
});

test("an invitation waits while its person is sent to a provider and back", async () => {
  history.replaceState(null, "", "/orgs#join=hot_x");
  await opened();
  vi.resetModules();
  history.replaceState(null, "", "/");
  expect((await opened()).invitation.current).toBe("hot_x");
});

test("what was dealt with does not come back", async () => {
  history.replaceState(null, "", "/orgs#join=hot_x");
  const { invitation, settleInvitation } = await opened();
  act(settleInvitation);
  expect(invitation.current).toBeNull();
  vi.resetModules();
  expect((await opened()).invitation.current).toBeNull();
});

test("a link that is made is one that is understood", async () => {
  const { invitationLink } = await opened();
  const link = new URL(invitationLink("hot_a+b/c"));
  expect([link.origin, link.pathname]).toEqual([location.origin, "/orgs"]);
  history.replaceState(null, "", link.href);
  vi.resetModules();
  const { invitation, settleInvitation } = await opened();
  expect(invitation.current).toBe("hot_a+b/c");
  // What tests of other files import is this page.
  act(settleInvitation);
});
