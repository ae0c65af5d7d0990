import { ActionIcon, Button, NumberInput, Text, TextInput, Tooltip } from "@mantine/core";
import { useHotkeys } from "@mantine/hooks";
import { IconArrowBarToDown, IconChevronDown, IconChevronUp, IconSearch } from "@tabler/icons-react";
import { type KeyboardEvent, useRef } from "react";
import styles from "./transcripts.module.css";

interface Props {
  text: string;
  setText: (text: string) => void;
  /** Entries in which the text is, and the number of the one that is shown, from 1. */
  found: number;
  current: number;
  step: (by: 1 | -1) => void;
  total: number;
  go: (seq: number) => void;
  following: boolean;
  setFollowing: (following: boolean) => void;
  /** Whether entries are still being fetched to be searched. */
  searching: boolean;
}

/** Ways about a transcript: search in it, go to an entry, stay at its end. */
export function Bar({ text, setText, found, current, step, total, go, following, setFollowing, searching }: Props) {
  const input = useRef<HTMLInputElement>(null);
  useHotkeys([["/", () => input.current?.focus()]]);
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === "Enter") step(event.shiftKey ? -1 : 1);
    if (event.key === "Escape") setText("");
  };
  return (
    <section className={styles["bar"]} aria-label="In this transcript">
      <TextInput
        ref={input}
        size="xs"
        aria-label="Search in the transcript"
        placeholder="Search ( / )"
        leftSection={<IconSearch size={14} aria-hidden />}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        onKeyDown={onKeyDown}
        flex="1 1 160px"
      />
      {text !== "" && (
        <>
          <Text size="xs" c="dimmed" role="status" className="numbers">
            {found > 0 ? `${current} of ${found}` : searching ? "Searching…" : "Nothing found"}
          </Text>
          <Tooltip label="Previous, Shift Enter">
            <ActionIcon variant="default" size="sm" disabled={found === 0} onClick={() => step(-1)} aria-label="Previous">
              <IconChevronUp size={14} aria-hidden />
            </ActionIcon>
          </Tooltip>
          <Tooltip label="Next, Enter">
            <ActionIcon variant="default" size="sm" disabled={found === 0} onClick={() => step(1)} aria-label="Next">
              <IconChevronDown size={14} aria-hidden />
            </ActionIcon>
          </Tooltip>
        </>
      )}
      <NumberInput
        size="xs"
        w={110}
        aria-label="Go to entry"
        placeholder={`Entry of ${total}`}
        min={1}
        max={total}
        allowDecimal={false}
        hideControls
        onKeyDown={(event) => event.key === "Enter" && go(Number(event.currentTarget.value))}
      />
      <Button
        size="xs"
        variant={following ? "light" : "default"}
        aria-pressed={following}
        onClick={() => setFollowing(!following)}
        leftSection={<IconArrowBarToDown size={14} aria-hidden />}
      >
        {following ? "Following" : "Follow"}
      </Button>
    </section>
  );
}
