import { expect, test } from "vitest";
import { batched } from "./batch";

function counted(known: readonly string[]) {
  const asked: (readonly string[])[] = [];
  const find = batched(async (ids) => {
    asked.push(ids);
    return ids.filter((id) => known.includes(id)).map((id) => ({ id }));
  });
  return { asked, find };
}

test("what is wanted at the same time is asked for once, and together", async () => {
  const { asked, find } = counted(["a", "b"]);
  expect(await Promise.all(["a", "b", "a", "c"].map(find))).toEqual([{ id: "a" }, { id: "b" }, { id: "a" }, null]);
  expect(asked).toEqual([["a", "b", "c"]]);
  await find("a");
  expect(asked).toHaveLength(2);
});

test("no request is for more than a hundred", async () => {
  const { asked, find } = counted([]);
  await Promise.all(Array.from({ length: 250 }, (_, index) => find(`id${index}`)));
  expect(asked.map((ids) => ids.length)).toEqual([100, 100, 50]);
});

test("a failure is told to all who asked, and the next request is another one", async () => {
  let fails = true;
  const find = batched(async (ids: readonly string[]) => {
    if (fails) throw new Error("away");
    return ids.map((id) => ({ id }));
  });
  expect((await Promise.allSettled([find("a"), find("b")])).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  fails = false;
  expect(await find("a")).toEqual({ id: "a" });
});
