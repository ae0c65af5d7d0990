import { Button, Stack, Text, Textarea, TextInput } from "@mantine/core";
import { useLocalStorage } from "@mantine/hooks";
import { type FormEvent, type KeyboardEvent, useState } from "react";
import type { ChannelView } from "#/api/schema";
import { workKey } from "#/api/work";
import { bytes } from "#/ui/format";
import styles from "./channels.module.css";

/** Bytes of a message's text in UTF-8. */
const SIZE_MAX = 16 * 1024;

/** Where a message is written. Enter sends it, Shift-Enter begins a line. */
export function Composer({ channel, onSend }: { channel: ChannelView; onSend: (text: string, name: string) => void }) {
  const [text, setText] = useState("");
  const [name, setName] = useLocalStorage({ key: workKey("name"), defaultValue: "" });
  const size = new TextEncoder().encode(text).length;
  const send = (event: FormEvent) => {
    event.preventDefault();
    if (text.trim() === "" || size > SIZE_MAX) return;
    onSend(text, name.trim());
    setText("");
  };
  const press = (event: KeyboardEvent) => {
    // Enter also ends the writing of one character by several keys.
    if (event.key === "Enter" && !event.shiftKey && !event.nativeEvent.isComposing) send(event);
  };
  return (
    <form className={styles.composer} onSubmit={send}>
      <Stack gap={4} flex={1} miw={0}>
        <Textarea
          aria-label={`Message to #${channel.name}`}
          placeholder={`Message #${channel.name}`}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          onKeyDown={press}
          error={size > SIZE_MAX && `A message has at most ${bytes(SIZE_MAX)}; this one has ${bytes(size)}.`}
          autosize
          minRows={1}
          maxRows={10}
        />
        <TextInput
          size="xs"
          variant="unstyled"
          aria-label="The name to send with it"
          placeholder="Send without a name of your own"
          leftSection={
            <Text span size="xs" c="dimmed">
              As
            </Text>
          }
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          maxLength={100}
          autoComplete="off"
        />
      </Stack>
      <Button type="submit" disabled={text.trim() === "" || size > SIZE_MAX} mb={34}>
        Send
      </Button>
    </form>
  );
}
