import { EditorState } from "@codemirror/state";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decode, lineBreakOf } from "./text";

const encoder = new TextEncoder();

describe("decode", () => {
  it("gives text that encodes to the same bytes, with its byte order mark", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.boolean(), (given, mark) => {
        const text = (mark ? "\ufeff" : "") + given.replaceAll("\0", "");
        const bytes = encoder.encode(text);
        expect(encoder.encode(decode(bytes)?.text)).toEqual(bytes);
      }),
    );
  });

  it("says of bytes that are no UTF-8 that the text is not all", () => {
    expect(decode(new Uint8Array([0x63, 0xe9]))).toEqual({ text: "c\ufffd", exact: false });
  });

  it("takes bytes with a NUL for binary", () => {
    expect(decode(new Uint8Array([0x50, 0x4b, 0, 1]))).toBeNull();
  });

  it("leaves out a character that is cut", () => {
    expect(decode(encoder.encode("aé").subarray(0, 2), true)).toEqual({ text: "a", exact: false });
  });
});

describe("lineBreakOf", () => {
  it("keeps every line ending through the editor", () => {
    const piece = fc.constantFrom("a", "b", "\n", "\r\n", "\r");
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const text = pieces.join("");
        const state = EditorState.create({ doc: text, extensions: EditorState.lineSeparator.of(lineBreakOf(text)) });
        expect(state.sliceDoc()).toBe(text);
      }),
    );
  });

  it("makes new lines like those that are there", () => {
    expect(lineBreakOf("a\r\nb\r\n")).toBe("\r\n");
    expect(lineBreakOf("a\r\nb\n")).toBe("\n");
    expect(lineBreakOf("")).toBe("\n");
  });
});
