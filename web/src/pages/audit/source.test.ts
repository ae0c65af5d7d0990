import fc from "fast-check";
import { expect, test } from "vitest";
import { createApi } from "#/api/client";
import type { AuditRecordView } from "#/api/schema";
import { problem, Server } from "#/testing/server";
import { followed, hostAudit, merged, NO_FILTERS, organisationAudit } from "./source";

const RECORD: AuditRecordView = {
  seq: 1,
  time: "2026-01-01T00:00:00Z",
  source: "api",
  action: "create_key",
  outcome: "ok",
  workspaceId: null,
  organisationId: null,
  target: "",
  actor: "admin",
  credential: "",
  address: "",
  requestId: "",
  count: 1,
  waited: 0,
};

function api() {
  return createApi(
    () => null,
    () => {},
  );
}

test("records of the list and of the stream are one list, the newest first, each once", () => {
  const records = fc.array(fc.integer({ min: 1, max: 50 }).map((seq) => ({ ...RECORD, seq })));
  fc.assert(
    fc.property(records, records, (known, more) => {
      const numbers = merged(known, more).map(({ seq }) => seq);
      expect(numbers).toEqual([...new Set([...known, ...more].map(({ seq }) => seq))].sort((a, b) => b - a));
    }),
  );
});

test("a log is followed under its filters, but for the times", () => {
  const source = organisationAudit(api(), "o1", []);
  expect(followed(source, NO_FILTERS)).toBe("/api/orgs/o1/audit");
  const filters = { ...NO_FILTERS, action: "create key", actor: "admin:a&b", since: "2026-01-01T00:00" };
  expect(followed(source, filters)).toBe("/api/orgs/o1/audit?action=create+key&actor=admin%3Aa%26b");
});

test("only the filters that say something are asked for, the times in UTC", async () => {
  const server = new Server().on("GET /api/audit", () => ({ items: [], nextCursor: null }));
  await hostAudit(api()).page({ ...NO_FILTERS, outcome: "ok", until: "2026-01-01T10:00" }, "next");
  const query = new URLSearchParams(server.asked[0]?.path.split("?")[1]);
  expect(Object.fromEntries(query)).toEqual({
    limit: "100",
    cursor: "next",
    outcome: "ok",
    until: new Date("2026-01-01T10:00").toISOString(),
  });
});

test("a refusal is thrown in the server's words", async () => {
  new Server().on("GET /api/audit", () => problem(403, { code: "forbidden", detail: "not yours" }));
  await expect(hostAudit(api()).page(NO_FILTERS, undefined)).rejects.toThrow("not yours");
});
