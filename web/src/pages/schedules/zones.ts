/** The zone of who reads. */
export const HERE = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** The names of time zones, with `current`, which the server may know and this browser not. */
export function zones(current: string): string[] {
  return [...new Set(["UTC", HERE, current, ...Intl.supportedValuesOf("timeZone")])];
}

/** A moment as clocks in `zone` show it; null when this browser does not know the zone. */
export function timeIn(at: string, zone: string): string | null {
  try {
    return new Intl.DateTimeFormat(undefined, {
      ...{ weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" },
      ...{ hourCycle: "h23", timeZone: zone },
    }).format(new Date(at));
  } catch {
    return null;
  }
}
