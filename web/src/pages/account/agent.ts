/** Names in a User-Agent, the first that is there counts: browsers also name those whose pages they want. */
const BROWSERS = [
  ["Edg/", "Edge"],
  ["OPR/", "Opera"],
  ["Firefox/", "Firefox"],
  ["Chrome/", "Chrome"],
  ["Version/", "Safari"],
] as const;
const SYSTEMS = [
  ["Android", "Android"],
  ["iPhone", "iPhone"],
  ["iPad", "iPad"],
  ["Windows", "Windows"],
  ["Mac OS X", "macOS"],
  ["CrOS", "ChromeOS"],
  ["Linux", "Linux"],
] as const;
const MOST = 60;

/** A browser's User-Agent in few words, like "Firefox 130 on Linux"; the beginning of one that is none. */
export function agentName(text: string): string {
  const browser = BROWSERS.find(([mark]) => text.includes(mark));
  const system = SYSTEMS.find(([mark]) => text.includes(mark));
  if (browser === undefined) return text.slice(0, MOST) || "Something that does not say what it is";
  const [mark, name] = browser;
  const version = /^\d+/.exec(text.slice(text.indexOf(mark) + mark.length))?.[0];
  return [name, version, system && `on ${system[1]}`].filter(Boolean).join(" ");
}
