import { Group, Text, Tooltip } from "@mantine/core";
import type { ChannelMessageView } from "#/api/schema";
import { Called } from "#/names/called";
import { absolute } from "#/ui/time";
import styles from "./channels.module.css";
import { PlainText } from "./text";

const TIME = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

/** A message. `begins`: it says who wrote it; else that was the one before. */
export function Message({ message, begins }: { message: ChannelMessageView; begins: boolean }) {
  return (
    <li className={begins ? `${styles.message} ${styles.begins}` : styles.message}>
      {begins && <Head message={message} />}
      <div className={styles.text} dir="auto">
        <PlainText text={message.text} />
      </div>
    </li>
  );
}

function Head({ message: { author, name, number, createdAt } }: { message: ChannelMessageView }) {
  return (
    <Group gap={8} align="baseline" wrap="nowrap">
      <Text span size="sm" fw={600} style={{ flex: "none" }}>
        <Called id={author} />
      </Text>
      {name && <Claim name={name} />}
      <Tooltip label={`${absolute(createdAt)}, message ${number}`}>
        <Text span size="xs" c="dimmed" className="numbers" style={{ flex: "none" }}>
          <time dateTime={createdAt}>{TIME.format(new Date(createdAt))}</time>
        </Text>
      </Tooltip>
    </Group>
  );
}

/** What a sender calls itself: set off from the author, for it may be the name of somebody else. */
function Claim({ name }: { name: string }) {
  return (
    <Tooltip label="The sender chose this name; nobody vouches for it">
      <Text span size="xs" c="dimmed" fs="italic" truncate>
        calls itself “<bdi>{name}</bdi>”
      </Text>
    </Tooltip>
  );
}
