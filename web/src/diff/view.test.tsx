import { render, screen } from "@testing-library/react";
import { expect, it } from "vitest";
import { parsePatch } from "./patch";
import { Hunks } from "./view";

const HOSTILE = "<img src=x onerror=alert(1)><script>alert(1)</script>";
const PATCH = `diff --git a/f b/f
--- a/f
+++ b/f
@@ -1,3 +1,3 @@ top
 one
-two
+${HOSTILE}

\\ No newline at end of file
`;

function hunks() {
  return parsePatch(PATCH).flatMap((file) => file.hunks);
}

it("shows each line with its kind and its numbers, which are not part of the text", () => {
  const { container } = render(<Hunks hunks={hunks()} label="Changes of f" />);
  const rows = [...container.querySelectorAll<HTMLElement>(".diff-line")].map((row) => [
    row.dataset["kind"],
    row.dataset["old"],
    row.dataset["new"],
    row.textContent,
  ]);
  expect(rows.slice(0, 3)).toEqual([
    ["same", "1", "1", "one"],
    ["removed", "2", "", "two"],
    ["added", "", "2", HOSTILE],
  ]);
  expect(screen.getByRole("region", { name: "Changes of f" })).toBeInTheDocument();
});

it("shows markup as text", () => {
  const { container } = render(<Hunks hunks={hunks()} label="f" split />);
  expect(container.querySelector("img, script")).toBeNull();
  expect(screen.getByText(HOSTILE)).toBeInTheDocument();
});

it("shows both sides level in the split view", () => {
  const { container } = render(<Hunks hunks={hunks()} label="f" split />);
  const [left, right] = [...container.querySelectorAll(".diff-side")];
  expect(left?.querySelectorAll(".diff-line").length).toBe(right?.querySelectorAll(".diff-line").length);
  expect(left?.textContent).not.toContain(HOSTILE);
  expect(right?.textContent).not.toContain("two");
});

it("has as much room for the numbers of lines as the longest needs", () => {
  const far = parsePatch(PATCH.replace("-1,3 +1,3", "-219998,3 +219998,3")).flatMap((file) => file.hunks);
  const { container, rerender } = render(<Hunks hunks={far} label="f" />);
  const digits = () => container.querySelector<HTMLElement>(".diff")?.style.getPropertyValue("--digits");
  expect(digits()).toBe("6");
  rerender(<Hunks hunks={hunks()} label="f" />);
  expect(digits()).toBe("4");
});
