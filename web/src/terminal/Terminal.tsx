import type { Ref } from "react";
import type { HostelTerminal, TerminalEventMap } from "./element";
import "./element";
import type { ConnectionState } from "./states";
import type { Theme } from "./themes";

/** The attributes, properties and events of `<hostel-terminal>`, as props. */
export interface TerminalProps {
  /** The terminal's path or address, as `/api/terminals/t…`. */
  src: string;
  /** Its accessible name. */
  label: string;
  theme?: "light" | "dark" | "auto";
  colors?: Theme | null;
  /** Pixels. */
  fontSize?: number;
  readOnly?: boolean;
  screenReader?: boolean;
  autoFocus?: boolean;
  token?: (() => Promise<string>) | undefined;
  keepAlive?: (() => void) | null;
  onState?: (state: ConnectionState) => void;
  onTitle?: (title: string) => void;
  onFontSize?: (pixels: number) => void;
  onUnauthorized?: () => void;
  ref?: Ref<HostelTerminal>;
}

declare module "react" {
  namespace JSX {
    interface IntrinsicElements {
      "hostel-terminal": HostelTerminalProps;
    }
  }
}

interface HostelTerminalProps {
  src: string;
  role: string;
  "aria-label": string;
  theme: string;
  colors: Theme | null;
  "font-size"?: number | undefined;
  readonly: boolean;
  "screen-reader": boolean;
  autofocus: boolean;
  token: (() => Promise<string>) | undefined;
  keepAlive: (() => void) | null;
  onstatechange: (event: TerminalEventMap["statechange"]) => void;
  ontitlechange: (event: TerminalEventMap["titlechange"]) => void;
  onfontsizechange: (event: TerminalEventMap["fontsizechange"]) => void;
  onunauthorized: () => void;
  ref: Ref<HostelTerminal> | undefined;
}

/** A terminal of hostel, which fills the element around it. */
export function Terminal(props: TerminalProps) {
  return (
    <hostel-terminal
      ref={props.ref}
      token={props.token}
      src={props.src}
      role="group"
      aria-label={props.label}
      theme={props.theme ?? "auto"}
      colors={props.colors ?? null}
      font-size={props.fontSize}
      readonly={props.readOnly ?? false}
      screen-reader={props.screenReader ?? false}
      autofocus={props.autoFocus ?? false}
      keepAlive={props.keepAlive ?? null}
      onstatechange={(event) => props.onState?.(event.detail)}
      ontitlechange={(event) => props.onTitle?.(event.detail)}
      onfontsizechange={(event) => props.onFontSize?.(event.detail)}
      onunauthorized={() => props.onUnauthorized?.()}
    />
  );
}
