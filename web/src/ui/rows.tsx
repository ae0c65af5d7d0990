import type { ReactNode } from "react";
import styles from "./rows.module.css";

/** A list of things, each in a Row. `label` says what they are. */
export function Rows({ label, children }: { label: string; children: ReactNode }) {
  return (
    <ul className={styles.rows} aria-label={label}>
      {children}
    </ul>
  );
}

/** One thing of a list: its title, a line of what is known about it, and what can be done with it. */
export function Row({ title, meta, actions }: { title: ReactNode; meta?: ReactNode; actions?: ReactNode }) {
  return (
    <li className={styles.row}>
      <div className={styles.main}>
        <div className={styles.title}>{title}</div>
        {meta && <div className={styles.meta}>{meta}</div>}
      </div>
      {actions && <div className={styles.actions}>{actions}</div>}
    </li>
  );
}
