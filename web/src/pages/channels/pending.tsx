import { Button, Group, Text } from "@mantine/core";
import { messageOf } from "#/api/problem";
import styles from "./channels.module.css";
import type { Pending } from "./messages";
import type { Thread } from "./thread";

/** A message of one's own that the server does not have yet. */
export function PendingMessage({ message: { key, text, error }, thread }: { message: Pending; thread: Thread }) {
  return (
    <li className={styles.message}>
      <Text className={styles.text ?? ""} c="dimmed" dir="auto">
        {text}
      </Text>
      {error !== null && (
        <Group gap={8}>
          <Text size="xs" c="var(--mantine-color-error)" role="alert">
            Not sent. {messageOf(error)}
          </Text>
          <Button size="compact-xs" variant="default" onClick={() => thread.retry(key)}>
            Try again
          </Button>
          <Button size="compact-xs" variant="subtle" color="gray" onClick={() => thread.discard(key)}>
            Discard
          </Button>
        </Group>
      )}
    </li>
  );
}
