import { MantineProvider } from "@mantine/core";
import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";
import { ApiError } from "#/api/problem";
import { FormDialog, fieldError } from "./form";

function show(error: unknown, onSubmit = () => {}) {
  render(
    <MantineProvider env="test">
      <FormDialog title="Form" action="Save" fields={["/name"]} busy={false} {...{ error, onSubmit }} onClose={() => {}}>
        <input aria-label="Name" />
      </FormDialog>
    </MantineProvider>,
  );
}

const named = new ApiError("invalid", "the request is wrong", 400, [
  { detail: "is taken", pointer: "/name", parameter: null, header: null, path: null },
]);

test("an error about a field that shows it is not said twice", () => {
  show(named);
  expect(screen.queryByRole("alert")).toBeNull();
  expect(fieldError(named, "/name")).toBe("Is taken.");
  expect(fieldError(named, "/other")).toBeNull();
});

test("any other error is said above the buttons", () => {
  show(new ApiError("conflict", "somebody was quicker", 409));
  expect(screen.getByRole("alert")).toHaveTextContent("Somebody was quicker.");
});

test("Enter in a field sends the form, without leaving the page", async () => {
  const sent = vi.fn();
  show(null, sent);
  await userEvent.type(screen.getByLabelText("Name"), "x{Enter}");
  expect(sent).toHaveBeenCalledTimes(1);
});
