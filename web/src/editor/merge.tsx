import { MergeView } from "@codemirror/merge";
import { EditorState } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { Box, useComputedColorScheme } from "@mantine/core";
import { useEffect, useEffectEvent, useRef } from "react";
import { basics, languageOf, scheme, writable } from "./setup";
import { lineBreakOf } from "./text";

interface Props {
  /** What is on the disk, at the left. */
  theirs: string;
  /** What was typed here, at the right. It can be edited, and parts of the other side can be taken over. */
  mine: string;
  name: string;
  onChange: (text: string) => void;
}

/** Two versions of a text beside each other. */
export default function MergeEditor({ theirs, mine, name, onChange }: Props) {
  const parent = useRef<HTMLDivElement>(null);
  const dark = useComputedColorScheme("light") === "dark";
  const changed = useEffectEvent(onChange);
  const text = useEffectEvent(() => mine);
  useEffect(() => {
    const element = parent.current;
    let view: MergeView | null = null;
    let left = false;
    void languageOf(name).then((language) => {
      if (left || element === null) return;
      const look = [scheme(dark), EditorView.lineWrapping, language];
      view = new MergeView({
        parent: element,
        a: { doc: theirs, extensions: [basics("On disk"), look, writable(false), separator(theirs)] },
        b: {
          doc: text(),
          extensions: [
            basics("Yours"),
            look,
            separator(text()),
            EditorView.updateListener.of((update) => {
              if (update.docChanged) changed(update.state.sliceDoc());
            }),
          ],
        },
        revertControls: "a-to-b",
        collapseUnchanged: {},
      });
    });
    return () => {
      left = true;
      view?.destroy();
    };
  }, [theirs, name, dark]);
  return <Box ref={parent} h="100%" mih={0} style={{ overflow: "auto" }} />;
}

function separator(text: string) {
  return EditorState.lineSeparator.of(lineBreakOf(text));
}
