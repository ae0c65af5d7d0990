/** The tabs and windows of this browser, which share its sign-in. A channel does not hear itself. */
const channel = new BroadcastChannel("hostel.signed-in");

/** Tell the others that somebody has signed in. */
export function tellSignedIn(): void {
  channel.postMessage(null);
}

/** Hear of a sign-in in another tab or window. Answers how to stop. */
export function onSignedIn(listener: () => void): () => void {
  channel.addEventListener("message", listener);
  return () => channel.removeEventListener("message", listener);
}
