import { beforeEach, expect, test } from "vitest";
import { drafts, keepDraft } from "#/pages/files/drafts";
import { Server } from "#/testing/server";
import { signOut } from "./identity";
import { workKey } from "./work";

beforeEach(() => {
  new Server().on("POST /api/logout", () => ({ endSessionUrl: null }));
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

test("a tab whose person has signed out in another one forgets too", () => {
  dispatchEvent(new StorageEvent("storage", { key: workKey("end"), newValue: "" }));
  expect(sessionStorage.getItem(workKey("file.w1/s1//a.py"))).toBeNull();
  expect(drafts.get()).toEqual({});
});
