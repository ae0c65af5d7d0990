/** Why there will be no further try by itself. */
export type FailureReason = "unauthorized" | "gone" | "refused" | "unreachable";

/** What the end of a socket means: a failure, or that it is worth to come back, in some cases at once. */
export type Ending = "again" | "at once" | Exclude<FailureReason, "unreachable">;

/** What people are told when the server has said no more. */
export const MESSAGES: Readonly<Record<FailureReason, string>> = {
  unauthorized: "You are signed out.",
  gone: "This terminal was closed.",
  refused: "The server refused the connection.",
  unreachable: "The server does not answer.",
};

/** What a close code means; null is a peer that fell silent. Codes from 4400 on are 4000 and the status of HTTP. */
export function ending(code: number | null): Ending {
  switch (code) {
    case 1001: // going away
    case 1012: // service restart
      return "at once";
    case 1008: // policy violation
      return "refused";
    case 4401:
      return "unauthorized";
    case 4404:
    case 4410:
      return "gone";
    default:
      return code !== null && code >= 4400 && code < 4500 ? "refused" : "again";
  }
}
