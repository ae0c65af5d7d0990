/** The address of a link that stands in untrusted text, if a browser may follow it: http, https and mailto alone. */
export function safeUrl(text: string): string | undefined {
  try {
    const url = new URL(text);
    return ["http:", "https:", "mailto:"].includes(url.protocol) ? url.href : undefined;
  } catch {
    return undefined;
  }
}
