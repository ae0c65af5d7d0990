/** Cron lines to begin with. */
export const PRESETS: readonly { label: string; cron: string }[] = [
  { label: "Every hour", cron: "0 * * * *" },
  { label: "Every day at 09:00", cron: "0 9 * * *" },
  { label: "Monday to Friday at 09:00", cron: "0 9 * * 1-5" },
  { label: "Mondays at 09:00", cron: "0 9 * * 1" },
  { label: "The 1st of each month at 09:00", cron: "0 9 1 * *" },
];

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = [
  ...["January", "February", "March", "April", "May", "June"],
  ...["July", "August", "September", "October", "November", "December"],
];

/** A cron line of a common form in words, like "Every day at 09:00". Null for the other forms: then the five fields speak. */
export function describe(cron: string): string | null {
  const [minute, hour, day, month, weekday, ...more] = cron.trim().split(/\s+/);
  if (!minute || !hour || !day || !month || !weekday || more.length > 0) return null;
  if (hour === "*" || hour.startsWith("*/")) {
    return day === "*" && month === "*" && weekday === "*" ? repeated(minute, hour) : null;
  }
  const [at, on] = [times(minute, hour), days(day, month, weekday)];
  return at === null || on === null ? null : `${on} at ${at}`;
}

/** Several times in each day. */
function repeated(minute: string, hour: string): string | null {
  if (hour === "*") {
    const every = step(minute, 60);
    if (every !== null) return every === 1 ? "Every minute" : `Every ${every} minutes`;
  }
  const [past, every] = [number(minute, 0, 59), step(hour, 24)];
  if (past === null || every === null) return null;
  const hours = every === 1 ? "Every hour" : `Every ${every} hours`;
  return past === 0 ? hours : `${hours}, ${past} min past`;
}

/** The step of a field that is a star, or a star with a step that divides `size`: others begin anew in mid-step. */
function step(field: string, size: number): number | null {
  const found = field === "*" ? 1 : number(field.replace(/^\*\//, ""), 1, size - 1);
  return field.startsWith("*") && found !== null && size % found === 0 ? found : null;
}

function times(minute: string, hour: string): string | null {
  const past = number(minute, 0, 59);
  const hours = hour.split(",").map((text) => number(text, 0, 23));
  if (past === null || hours.includes(null)) return null;
  return listed(hours.map((at) => `${two(at ?? 0)}:${two(past)}`));
}

function days(day: string, month: string, weekday: string): string | null {
  if (day === "*" && month === "*") return weekday === "*" ? "Every day" : weekdays(weekday);
  const date = number(day, 1, 31);
  if (date === null || weekday !== "*") return null;
  if (month === "*") return `The ${ordinal(date)} of each month`;
  const name = named(month, MONTHS, 1);
  return name === null ? null : `Every ${date} ${name}`;
}

function weekdays(field: string): string | null {
  const [first, last, ...more] = field.split("-");
  if (first !== undefined && last !== undefined) {
    const ends = [named(first, DAYS, 0), named(last, DAYS, 0)];
    return ends.includes(null) || more.length > 0 ? null : ends.join(" to ");
  }
  const names = field.split(",").map((text) => named(text, DAYS, 0));
  return names.includes(null) ? null : listed(names.map((name) => `${name}s`));
}

/** The name that a number or three letters stand for; `first` is the number of the first of `names`. Sunday is 0 and 7. */
function named(text: string, names: readonly string[], first: number): string | null {
  const value = number(text, first, first === 0 ? names.length : names.length - 1 + first);
  if (value !== null) return names[(value - first) % names.length] ?? null;
  return names.find((name) => name.slice(0, 3).toLowerCase() === text.toLowerCase()) ?? null;
}

function number(text: string, least: number, most: number): number | null {
  const value = /^[0-9]{1,2}$/.test(text) ? Number(text) : Number.NaN;
  return value >= least && value <= most ? value : null;
}

function listed(parts: readonly string[]): string {
  return parts.length < 2 ? parts.join("") : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}

function ordinal(value: number): string {
  const ending = value % 100 > 10 && value % 100 < 14 ? undefined : ["th", "st", "nd", "rd"][value % 10];
  return `${value}${ending ?? "th"}`;
}
