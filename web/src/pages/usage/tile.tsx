import type { ReactNode } from "react";
import styles from "./usage.module.css";

/** A figure: what it is, how much, and a line about it. Inside of a Tiles. */
export function Tile({
  label,
  value,
  about,
  children,
}: {
  label: string;
  value: ReactNode;
  about?: ReactNode;
  children?: ReactNode;
}) {
  return (
    <div className={styles["tile"]}>
      <dt>{label}</dt>
      <dd>
        {value}
        {about && (
          <>
            {" "}
            <small>{about}</small>
          </>
        )}
        {children}
      </dd>
    </div>
  );
}

/** Figures beside each other. */
export function Tiles({ children }: { children: ReactNode }) {
  return <dl className={styles["tiles"]}>{children}</dl>;
}
