import { Textarea } from "@mantine/core";
import { type ClipboardEvent, type KeyboardEvent, type RefObject, useLayoutEffect, useRef, useState } from "react";
import type { FileView } from "#/api/schema";
import { Completion, LIST, offerId } from "./completion";
import { completed, mentionAt } from "./mention";
import { usePaths } from "./paths";

/** The text, with paths that are completed behind an `@`. */
export function Field({
  sessionId,
  worktreeId,
  field,
  text,
  change,
  add,
  error,
}: {
  sessionId: string;
  worktreeId: string | null;
  field: RefObject<HTMLTextAreaElement | null>;
  text: string;
  change: (text: string) => void;
  add: (files: File[]) => void;
  error: string | null;
}) {
  const [caret, setCaret] = useState(0);
  const [active, setActive] = useState(0);
  const [closed, setClosed] = useState<number | null>(null);
  const moveTo = useRef<number | null>(null);
  const found = mentionAt(text, caret);
  const mention = found?.start === closed ? null : found;
  const files = usePaths(sessionId, worktreeId, mention);
  const chosen = Math.min(active, files.length - 1);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the caret is put behind a text that was completed
  useLayoutEffect(() => {
    if (moveTo.current === null) return;
    field.current?.setSelectionRange(moveTo.current, moveTo.current);
    setCaret(moveTo.current);
    moveTo.current = null;
  }, [text]);

  const take = (file: FileView) => {
    if (mention === null) return;
    const next = completed(text, mention, file.path, file.kind === "folder");
    moveTo.current = next.caret;
    setActive(0);
    change(next.text);
  };

  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (event.nativeEvent.isComposing) return;
    const offered = files[chosen];
    if (offered !== undefined && !event.shiftKey && isForList(event.key)) {
      event.preventDefault();
      if (event.key === "ArrowDown") setActive((chosen + 1) % files.length);
      else if (event.key === "ArrowUp") setActive((chosen + files.length - 1) % files.length);
      else if (event.key === "Escape") setClosed(mention?.start ?? null);
      else take(offered);
    } else if (event.key === "Enter" && !event.shiftKey && !event.altKey) {
      event.preventDefault();
      event.currentTarget.form?.requestSubmit();
    }
  };

  const onPaste = (event: ClipboardEvent) => {
    const pasted = [...event.clipboardData.files];
    // What is copied of a table or a page comes as text and as a picture of it: then it is the text that is meant.
    if (pasted.length === 0 || event.clipboardData.types.includes("text/plain")) return;
    event.preventDefault();
    add(pasted);
  };

  return (
    <div className="chat-field">
      <Completion files={files} active={chosen} take={take} />
      <Textarea
        ref={field}
        autosize
        minRows={2}
        maxRows={14}
        variant="unstyled"
        aria-label="Prompt"
        placeholder="Ask for something. @ names a file."
        value={text}
        error={error}
        aria-autocomplete="list"
        aria-haspopup="listbox"
        {...(files.length > 0 && { "aria-controls": LIST, "aria-activedescendant": offerId(chosen) })}
        onChange={(event) => {
          setCaret(event.currentTarget.selectionStart);
          setClosed(null);
          setActive(0);
          change(event.currentTarget.value);
        }}
        onSelect={(event) => setCaret(event.currentTarget.selectionStart)}
        onKeyDown={onKeyDown}
        onPaste={onPaste}
      />
    </div>
  );
}

function isForList(key: string): boolean {
  return ["ArrowDown", "ArrowUp", "Escape", "Enter", "Tab"].includes(key);
}
