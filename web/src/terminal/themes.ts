import type { ITheme } from "@xterm/xterm";

/** Colours of a terminal. Every property may be left out. */
export type Theme = ITheme;

/** Calm on a dark page; each colour has a contrast of 4.5 or more on the background, black apart. */
export const DARK: Theme = {
  background: "#16181d",
  foreground: "#d7dae0",
  cursor: "#d7dae0",
  cursorAccent: "#16181d",
  selectionBackground: "#3a4a63",
  black: "#3b404a",
  red: "#f07178",
  green: "#8fc76b",
  yellow: "#e0b35f",
  blue: "#72a7ef",
  magenta: "#c792ea",
  cyan: "#5fc1c9",
  white: "#c5c9d1",
  brightBlack: "#8b93a1",
  brightRed: "#ff8f95",
  brightGreen: "#a8db87",
  brightYellow: "#f2c97c",
  brightBlue: "#93bdf7",
  brightMagenta: "#d9aef5",
  brightCyan: "#84d7de",
  brightWhite: "#f2f4f8",
};

/** The same on a light page. */
export const LIGHT: Theme = {
  background: "#ffffff",
  foreground: "#24292f",
  cursor: "#24292f",
  cursorAccent: "#ffffff",
  selectionBackground: "#b6d4fb",
  black: "#24292f",
  red: "#b3261e",
  green: "#1b6e34",
  yellow: "#7a5200",
  blue: "#0b57b3",
  magenta: "#7d3aa8",
  cyan: "#0c6a75",
  white: "#5c6570",
  brightBlack: "#5c6570",
  brightRed: "#c4342b",
  brightGreen: "#227a3d",
  brightYellow: "#8a5d00",
  brightBlue: "#1765c9",
  brightMagenta: "#8c49b8",
  brightCyan: "#157684",
  brightWhite: "#3d444d",
};

/** A theme by its name: that of the page, as its browser prefers, with `auto`. */
export function themeOf(name: string | null): Theme {
  if (name === "light" || name === "dark") {
    return name === "light" ? LIGHT : DARK;
  }
  return window.matchMedia("(prefers-color-scheme: light)").matches ? LIGHT : DARK;
}
