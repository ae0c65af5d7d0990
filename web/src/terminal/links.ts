/** The address of a link in a terminal, if it is one that a browser may follow: http and https alone. */
export function webAddress(text: string): string | null {
  try {
    const url = new URL(text);
    return url.protocol === "http:" || url.protocol === "https:" ? url.href : null;
  } catch {
    return null;
  }
}

/** Open a link of a terminal in a tab of its own, which cannot reach this page. */
export function openLink(text: string): void {
  const address = webAddress(text);
  if (address !== null) {
    window.open(address, "_blank", "noopener,noreferrer");
  }
}
