import { Group, Text, Tooltip } from "@mantine/core";
import { useMe } from "#/api/identity";
import type { ChannelMessageView, Me } from "#/api/schema";
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
  const { data: me } = useMe();
  return (
    <Group gap={8} align="baseline" wrap="nowrap">
      <Tooltip label={author}>
        <Text span size="sm" fw={600} style={{ flex: "none" }}>
          {authorOf(author, me)}
        </Text>
      </Tooltip>
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

const KINDS: Readonly<Record<string, string>> = { u: "Person", ky: "Key", o: "Organisation" };

/** Who sent it, by the credential. */
export function authorOf(author: string, me: Me | null | undefined): string {
  if (me?.personId === author) return "You";
  const letters = /^([a-z]+)[0-9a-f]{24}$/.exec(author)?.[1] ?? "";
  if (letters === "w") return "The workspace";
  const kind = KINDS[letters];
  return kind === undefined ? author : `${kind} ${author.slice(0, 8)}…`;
}
