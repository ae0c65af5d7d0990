import { screen } from "@testing-library/dom";
import userEvent from "@testing-library/user-event";
import { beforeEach, expect, test, vi } from "vitest";
import { ConfirmBar } from "./confirmbar";
import { SearchBar } from "./searchbar";

const find = vi.fn();
const left = vi.fn();
let bar: SearchBar;

beforeEach(() => {
  find.mockReset();
  left.mockReset();
  bar = new SearchBar(find, left);
  document.body.replaceChildren(bar.element);
  bar.open();
});

test("what is typed is searched, and Enter goes on and back", async () => {
  const field = screen.getByRole("searchbox", { name: "Search in the terminal" });
  expect(field).toHaveFocus();
  await userEvent.type(field, "ab{Enter}{Shift>}{Enter}{/Shift}");
  const search = { text: "ab", caseSensitive: false, regex: false };
  expect(find.mock.calls.slice(1)).toEqual([
    [search, false],
    [search, false],
    [search, true],
  ]);
});

test("case and regular expressions are switched, and say so", async () => {
  const toggle = screen.getByRole("button", { name: "Match case" });
  await userEvent.click(toggle);
  await userEvent.click(screen.getByRole("button", { name: "Regular expression" }));
  expect(toggle).toHaveAttribute("aria-pressed", "true");
  expect(find).toHaveBeenLastCalledWith({ text: "", caseSensitive: true, regex: true }, false);
});

test("matches are counted, and Escape gives the keys back", async () => {
  await userEvent.type(screen.getByRole("searchbox"), "x");
  bar.found(1, 5);
  expect(screen.getByRole("status")).toHaveTextContent("2 of 5");
  bar.found(-1, 0);
  expect(screen.getByRole("status")).toHaveTextContent("No match");
  await userEvent.keyboard("{Escape}");
  expect(bar.element).not.toBeVisible();
  expect(left).toHaveBeenCalledOnce();
});

test("a question is answered by its buttons, and by Escape with no", async () => {
  const answered = vi.fn();
  const act = vi.fn();
  const confirm = new ConfirmBar(answered);
  document.body.append(confirm.element);
  confirm.ask("Paste 3 lines?", act);
  expect(screen.getByRole("button", { name: "Paste" })).toHaveFocus();
  await userEvent.keyboard("{Escape}");
  expect(act).not.toHaveBeenCalled();
  confirm.ask("Paste 3 lines?", act);
  await userEvent.click(screen.getByRole("button", { name: "Paste" }));
  expect(act).toHaveBeenCalledOnce();
  expect(answered).toHaveBeenCalledTimes(2);
});
