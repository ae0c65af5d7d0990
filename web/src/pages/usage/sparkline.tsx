import styles from "./usage.module.css";

const HEIGHT = 24;

/** A line of values from left to right, from 0 to `max`, or to the highest of them. `label` says what it shows. */
export function Sparkline({ values, max, label }: { values: readonly number[]; max?: number; label: string }) {
  const top = Math.max(max ?? 0, ...values, Number.MIN_VALUE);
  const step = 100 / Math.max(values.length - 1, 1);
  const points = values.map((value, index) => `${index * step},${HEIGHT - (value / top) * (HEIGHT - 2) - 1}`).join(" ");
  return (
    <svg viewBox={`0 0 100 ${HEIGHT}`} preserveAspectRatio="none" className={styles["line"]} role="img" aria-label={label}>
      {values.length > 1 && <polyline points={points} />}
    </svg>
  );
}
