import { memo } from "react";
import { exposed, type Piece } from "./exposed";
import styles from "./exposed.module.css";

/** An untrusted text that somebody decides by, or reviews: nothing in it is invisible or out of its order. */
export const ExposedText = memo(function ExposedText({ text }: { text: string }) {
  return (
    <span className={styles["text"]}>
      <Pieces of={exposed(text)} />
    </span>
  );
});

/** An untrusted name or path, in one line: nothing in it is invisible or turns its neighbours round. Writing keeps its direction. */
export const ExposedName = memo(function ExposedName({ name }: { name: string }) {
  return (
    <span className={styles["name"]}>
      <Pieces of={exposed(name, true)} />
    </span>
  );
});

function Pieces({ of }: { of: readonly Piece[] }) {
  return of.map((piece, at) =>
    piece.unseen ? (
      // biome-ignore lint/suspicious/noArrayIndexKey: pieces have no identity but their place
      <span key={at} className={styles["unseen"]} title="Characters that do not show">
        {piece.text}
      </span>
    ) : (
      piece.text
    ),
  );
}
