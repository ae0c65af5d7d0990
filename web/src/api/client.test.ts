import { expect, test, vi } from "vitest";
import { problem } from "#/testing/server";
import { answer, createApi } from "./client";
import { messageOf } from "./problem";

const FOR_PROGRAMS = "a credential is needed: send it as `Authorization: Bearer …`";

/** What a page says when the API refuses, to a client whose sign-in ended as `ended` hears. */
async function said(status: number, detail: string, ended: (() => void) | null): Promise<string> {
  vi.stubGlobal("fetch", async () => problem(status, { code: "refused", detail }));
  const api = createApi(() => null, ended);
  return answer(api.GET("/api/auth/me")).then(() => "nothing", messageOf);
}

test("a sign-in that has ended is told in words for a person, and to the page", async () => {
  const ended = vi.fn();
  expect(await said(401, FOR_PROGRAMS, ended)).toBe("Your sign-in has ended. Sign in again, then repeat this.");
  expect(ended).toHaveBeenCalledOnce();
});

test("at the door a refusal is about what was typed, and stays as it is", async () => {
  expect(await said(401, "the credential is wrong, expired or used up", null)).toBe(
    "The credential is wrong, expired or used up.",
  );
});

test("a right that was taken is told without the names of scopes; other refusals say their own reason", async () => {
  const ended = vi.fn();
  expect(await said(403, "this credential lacks the scope `sessions:write`", ended)).toBe(
    "Your role does not allow this, or not any more.",
  );
  expect(await said(403, "only an owner makes owners", ended)).toBe("Only an owner makes owners.");
  expect(ended).not.toHaveBeenCalled();
});
