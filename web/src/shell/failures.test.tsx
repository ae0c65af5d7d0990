import { MantineProvider } from "@mantine/core";
import { render, screen } from "@testing-library/react";
import { type ReactNode, useState } from "react";
import { expect, test, vi } from "vitest";
import { Failures } from "./failures";

function at(path: string, page: ReactNode) {
  return (
    <MantineProvider env="test">
      <Failures path={path}>{page}</Failures>
    </MantineProvider>
  );
}

function Broken({ by = new Error("broken") }: { by?: Error }): ReactNode {
  throw by;
}

function Kept({ now }: { now: string }) {
  const [first] = useState(now);
  return <p>Opened at {first}</p>;
}

test("what pages share stays when one goes from one to the other", () => {
  const { rerender } = render(at("/a", <Kept now="a" />));
  rerender(at("/b", <Kept now="b" />));
  expect(screen.getByText("Opened at a")).toBeVisible();
});

test("a page that has failed is left behind with its address", () => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  const { rerender } = render(at("/a", <Broken />));
  expect(screen.getByText("This page has failed")).toBeVisible();
  rerender(at("/b", <p>Another page</p>));
  expect(screen.getByText("Another page")).toBeVisible();
});

test("a page that could not be fetched says so in words of its reader", () => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  const payload = new Error("Unable to preload CSS for /assets/rows.css");
  dispatchEvent(Object.assign(new Event("vite:preloadError"), { payload }));
  render(at("/a", <Broken by={payload} />));
  expect(screen.getByRole("alert")).toHaveTextContent("This page could not be loaded");
  expect(screen.queryByText(/rows\.css/)).toBeNull();
});
