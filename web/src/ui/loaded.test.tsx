import { MantineProvider } from "@mantine/core";
import { act, render, screen } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { Failures } from "#/shell/failures";
import { loaded } from "./loaded";

const Hello = ({ name }: { name: string }) => <p>Hello {name}</p>;

const show = (Page: typeof Hello | ReturnType<typeof loaded<{ name: string }>>) =>
  render(
    <MantineProvider>
      <Failures path="/">
        <Page name="you" />
      </Failures>
    </MantineProvider>,
  );

test("a page is drawn when its code has come, and at once when that is there already", async () => {
  const load = vi.fn(async () => ({ default: Hello }));
  const Page = loaded(load);
  const first = show(Page);
  expect(screen.getByRole("status")).toHaveTextContent("Loading");
  expect(await screen.findByText("Hello you")).toBeVisible();
  first.unmount();
  show(Page);
  expect(screen.getByText("Hello you")).toBeVisible();
  expect(load).toHaveBeenCalledTimes(1);
});

test("code that does not come is a failure of the page, and the next try asks for it again", async () => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  let away = true;
  const Page = loaded(async () => {
    if (away) throw new TypeError("the network is away");
    return { default: Hello };
  });
  const first = show(Page);
  expect(await screen.findByRole("alert")).toBeVisible();
  away = false;
  first.unmount();
  await act(async () => void show(Page));
  expect(screen.getByText("Hello you")).toBeVisible();
});
