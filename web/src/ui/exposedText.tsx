import { memo } from "react";
import { exposed } from "./exposed";
import styles from "./exposed.module.css";

/** An untrusted text that somebody decides by, or reviews: nothing in it is invisible or out of its order. */
export const ExposedText = memo(function ExposedText({ text }: { text: string }) {
  return (
    <span className={styles["text"]}>
      {exposed(text).map((piece, at) =>
        piece.unseen ? (
          // biome-ignore lint/suspicious/noArrayIndexKey: pieces have no identity but their place
          <span key={at} className={styles["unseen"]} title="Characters that do not show">
            {piece.text}
          </span>
        ) : (
          piece.text
        ),
      )}
    </span>
  );
});
