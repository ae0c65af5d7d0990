import { afterEach, expect, test, vi } from "vitest";
import { saveStream } from "./save";

afterEach(() => vi.unstubAllGlobals());

function stream(...chunks: string[]): ReadableStream<Uint8Array<ArrayBuffer>> {
  const encoder = new TextEncoder();
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(encoder.encode(chunk));
      controller.close();
    },
  });
}

test("where a page may write to the disk, each piece goes there as it comes", async () => {
  const written: string[] = [];
  const place = new WritableStream<Uint8Array>({ write: (chunk) => void written.push(new TextDecoder().decode(chunk)) });
  const asked: object[] = [];
  vi.stubGlobal("showSaveFilePicker", async (options: object) => {
    asked.push(options);
    return { createWritable: async () => place };
  });
  const got: number[] = [];
  await saveStream(
    "home.tar.zst",
    async () => stream("abc", "de"),
    (bytes) => got.push(bytes),
  );
  expect(written).toEqual(["abc", "de"]);
  expect(got).toEqual([3, 5]);
  expect(asked).toEqual([{ suggestedName: "home.tar.zst" }]);
});

test("who chooses no place asks the server for nothing", async () => {
  vi.stubGlobal("showSaveFilePicker", () => Promise.reject(new DOMException("no", "AbortError")));
  const open = vi.fn(async () => stream("abc"));
  await expect(saveStream("x", open, () => {})).rejects.toThrow("no");
  expect(open).not.toHaveBeenCalled();
});

test("elsewhere the file is whole before it is given to the browser", async () => {
  URL.createObjectURL = () => "blob:x";
  URL.revokeObjectURL = () => {};
  const click = vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(() => {});
  let sum = 0;
  await saveStream(
    "x",
    async () => stream("abc", "de"),
    (bytes) => {
      sum = bytes;
    },
  );
  expect(click).toHaveBeenCalledOnce();
  expect(sum).toBe(5);
});

test("a stream that breaks off is not called saved", async () => {
  const broken = new ReadableStream<Uint8Array<ArrayBuffer>>({ pull: (controller) => controller.error(new Error("gone")) });
  await expect(
    saveStream(
      "x",
      async () => broken,
      () => {},
    ),
  ).rejects.toThrow();
});
