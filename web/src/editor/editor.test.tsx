import { Text } from "@codemirror/state";
import { MantineProvider } from "@mantine/core";
import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import fc from "fast-check";
import { expect, it, vi } from "vitest";
import { Editor, replaced } from "./editor";

// jsdom lays nothing out, and CodeMirror asks where things are.
Object.defineProperty(Range.prototype, "getClientRects", { value: () => [] });

const NOTHING = () => {};

function shown(text: string, more: Partial<Parameters<typeof Editor>[0]> = {}) {
  return (
    <MantineProvider>
      <Editor
        given={{ text }}
        name="a.txt"
        readOnly={false}
        wrap={false}
        at={null}
        onChange={NOTHING}
        onSave={NOTHING}
        {...more}
      />
    </MantineProvider>
  );
}

it("shows markup as text", () => {
  const hostile = "<script>alert(1)</script><img src=x onerror=alert(1)>";
  const { container } = render(shown(hostile));
  expect(screen.getByRole("textbox", { name: "a.txt" })).toHaveTextContent(hostile);
  expect(container.querySelector("script, img[onerror]")).toBeNull();
});

it("takes over a new text without saying that it was typed", () => {
  const onChange = vi.fn();
  const { rerender } = render(shown("one\r\ntwo\r\n", { onChange }));
  rerender(shown("one\r\n2\r\n", { onChange }));
  expect(screen.getByRole("textbox")).toHaveTextContent("one2");
  expect(onChange).not.toHaveBeenCalled();
});

it("saves with Ctrl-S", async () => {
  const onSave = vi.fn();
  render(shown("text", { onSave }));
  screen.getByRole("textbox").focus();
  await userEvent.keyboard("{Control>}s{/Control}");
  expect(onSave).toHaveBeenCalledOnce();
});

it("replaces no more than what differs", () => {
  const text = fc.array(fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 4 }), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(text, text, (before, after) => {
      const [old, now] = [Text.of(before), Text.of(after)];
      const change = replaced(old, now);
      expect(old.replace(change.from, change.to, change.insert).eq(now)).toBe(true);
    }),
  );
  expect(replaced(Text.of(["ab", "cd"]), Text.of(["ab", "x", "cd"]))).toMatchObject({ from: 3, to: 3 });
});
