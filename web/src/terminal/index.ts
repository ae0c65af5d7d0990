export type { TerminalEventMap } from "./element";
export { HostelTerminal } from "./element";
export type { FailureReason } from "./endings";
export type { ConnectionState } from "./states";
export { Terminal, type TerminalProps } from "./Terminal";
export { DARK, LIGHT, type Theme } from "./themes";
