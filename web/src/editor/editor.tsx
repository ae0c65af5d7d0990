import { Annotation, EditorState, type Text } from "@codemirror/state";
import { EditorView, keymap } from "@codemirror/view";
import { Box, useComputedColorScheme } from "@mantine/core";
import { useEffect, useEffectEvent, useRef } from "react";
import { basics, languageOf, parts, scheme, wrapping, writable } from "./setup";
import { lineBreakOf } from "./text";

/** Marks what the page, and not a person, has changed. */
const Given = Annotation.define<true>();

interface Props {
  /** What the text is to be from now on; what is typed is not given back. Only what differs is replaced, so that can be undone. */
  given: { readonly text: string };
  /** The file's name: it says which language it is. */
  name: string;
  readOnly: boolean;
  wrap: boolean;
  /** The line to show, from 1. A new object shows it again. */
  at: { line: number } | null;
  onChange: (text: string) => void;
  onSave: () => void;
}

/** An editor of a text. Give it another `key` for another file, and for other line endings. */
export function Editor({ given, name, readOnly, wrap, at, onChange, onSave }: Props) {
  const parent = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  const dark = useComputedColorScheme("light") === "dark";
  const changed = useEffectEvent(onChange);
  const saved = useEffectEvent(() => {
    onSave();
    return true;
  });
  const begin = useEffectEvent((element: HTMLElement) => {
    const opened = new EditorView({
      parent: element,
      state: EditorState.create({
        doc: given.text,
        extensions: [
          EditorState.lineSeparator.of(lineBreakOf(given.text)),
          keymap.of([{ key: "Mod-s", preventDefault: true, run: () => saved() }]),
          basics(name),
          parts.scheme.of(scheme(dark)),
          parts.wrap.of(wrapping(wrap)),
          parts.writable.of(writable(!readOnly)),
          parts.language.of([]),
          EditorView.updateListener.of((update) => {
            if (update.docChanged && !update.transactions.some((one) => one.annotation(Given)))
              changed(update.state.sliceDoc());
          }),
        ],
      }),
    });
    view.current = opened;
    return opened;
  });
  useEffect(() => {
    if (parent.current === null) return;
    const opened = begin(parent.current);
    return () => opened.destroy();
  }, []);
  useEffect(() => {
    view.current?.dispatch({
      effects: [
        parts.scheme.reconfigure(scheme(dark)),
        parts.wrap.reconfigure(wrapping(wrap)),
        parts.writable.reconfigure(writable(!readOnly)),
      ],
    });
  }, [dark, wrap, readOnly]);
  useEffect(() => {
    const opened = view.current;
    let left = false;
    void languageOf(name).then((language) => {
      if (!left) opened?.dispatch({ effects: parts.language.reconfigure(language) });
    });
    return () => {
      left = true;
    };
  }, [name]);
  useEffect(() => {
    const opened = view.current;
    if (opened === null || opened.state.sliceDoc() === given.text) return;
    const next = opened.state.toText(given.text);
    opened.dispatch({ changes: replaced(opened.state.doc, next), annotations: Given.of(true) });
  }, [given]);
  useEffect(() => {
    if (at !== null && view.current !== null) show(view.current, at.line);
  }, [at]);
  return <Box ref={parent} h="100%" mih={0} data-testid="editor" />;
}

/** Move the cursor to a line, and the line into the middle. */
function show(view: EditorView, line: number): void {
  const { from } = view.state.doc.line(Math.min(Math.max(1, line), view.state.doc.lines));
  view.dispatch({ selection: { anchor: from }, effects: EditorView.scrollIntoView(from, { y: "center" }) });
  view.focus();
}

/** The one change that makes `next` of `before`. */
export function replaced(before: Text, next: Text): { from: number; to: number; insert: Text } {
  const [old, now] = [before.toString(), next.toString()];
  const most = Math.min(old.length, now.length);
  let from = 0;
  while (from < most && old[from] === now[from]) from += 1;
  let end = 0;
  while (end < most - from && old[old.length - 1 - end] === now[now.length - 1 - end]) end += 1;
  return { from, to: old.length - end, insert: next.slice(from, now.length - end) };
}
