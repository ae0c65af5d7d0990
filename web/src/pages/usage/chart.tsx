import styles from "./usage.module.css";

interface Bar {
  /** What it stands for, like a day. */
  key: string;
  value: number;
  /** The value in words. */
  text: string;
}

/** A bar for each of some days. The table beside it says the same in words. */
export function Bars({ label, bars }: { label: string; bars: readonly Bar[] }) {
  const top = Math.max(...bars.map(({ value }) => value), Number.MIN_VALUE);
  return (
    <div role="img" aria-label={label}>
      <div className={styles["chart"]}>
        {bars.map(({ key, value, text }) => (
          <div key={key} className={styles["bar"]} style={{ height: `${(value / top) * 100}%` }} title={`${key}: ${text}`} />
        ))}
      </div>
      <div className={styles["axis"]}>
        <span>{bars[0]?.key}</span>
        <span>{bars.at(-1)?.key}</span>
      </div>
    </div>
  );
}
