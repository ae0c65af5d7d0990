import { beforeEach, expect, test, vi } from "vitest";
import { drafts, keepDraft } from "#/pages/files/drafts";
import { queries } from "#/queries";
import { Server } from "#/testing/server";
import { signOut } from "./identity";
import { keepRoom, roomToken } from "./rooms";
import { workKey } from "./work";

let server: Server;

beforeEach(() => {
  server = new Server().on("POST /api/logout", () => ({ endSessionUrl: null }));
  localStorage.setItem(workKey("draft.w1"), "a prompt");
  localStorage.setItem("hostel.split", "true");
  keepDraft("w1/s1//a.py", { text: "secret", etag: null });
});

test("whoever signs out leaves nothing of their work to the next, but how pages look", async () => {
  await signOut();
  expect(Object.keys(localStorage)).toEqual(["hostel.split"]);
  expect(Object.keys(sessionStorage).filter((key) => key.startsWith("hostel.work."))).toEqual([]);
  expect(drafts.get()).toEqual({});
});

test("a tab whose person has signed out in another one forgets too, and leaves what it has opened", async () => {
  keepRoom("w1", "token of a room", 60);
  queries.setQueryData(["w", "w1"], "what is shown");
  dispatchEvent(new StorageEvent("storage", { key: workKey("end"), newValue: "" }));
  expect(sessionStorage.getItem(workKey("file.w1/s1//a.py"))).toBeNull();
  expect(drafts.get()).toEqual({});
  expect(queries.getQueryData(["w", "w1"])).toBeUndefined();
  expect(roomToken("w1")).toBeNull();
  const left = () => server.of("POST /api/logout").map(({ headers }) => headers.get("Authorization"));
  // What other tests of this window have opened may leave as well.
  await vi.waitFor(() => expect(left()).toContain("Bearer token of a room"));
});
