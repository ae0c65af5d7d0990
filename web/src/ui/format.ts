const BYTES = ["B", "KiB", "MiB", "GiB", "TiB"];
const COUNT = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

/** "12 B", "3.4 MiB". */
export function bytes(size: number): string {
  const power = Math.min(BYTES.length - 1, Math.floor(Math.log2(Math.max(size, 1)) / 10));
  const value = size / 1024 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${BYTES[power]}`;
}

/** "1.2K", for counts of tokens. */
export function count(value: number): string {
  return COUNT.format(value);
}

/** US dollars: "$0.0042", "$1.37". Small sums keep two digits that say something. */
export function dollars(value: number): string {
  if (value === 0) return "$0";
  return value < 0.1 ? `$${value.toPrecision(2)}` : `$${value.toFixed(2)}`;
}

/** "1 session", "3 sessions". */
export function plural(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}
