import { Badge, Button, NavLink, Text, Title } from "@mantine/core";
import { IconHash } from "@tabler/icons-react";
import { Link } from "wouter";
import type { ChannelView } from "#/api/schema";
import styles from "./channels.module.css";
import { useSeen } from "./seen";

interface Props {
  channels: readonly ChannelView[];
  opened: string | undefined;
  /** Undefined for who may not. */
  onCreate: (() => void) | undefined;
}

/** The channels by name; those with something new stand out. */
export function ChannelNavigation({ channels, opened, onCreate }: Props) {
  const seen = useSeen();
  return (
    <nav className={styles.side} aria-label="Channels">
      {opened === undefined && (
        <Title order={1} size="h5" px="xs" pb={6}>
          Channels
        </Title>
      )}
      {channels.map((channel) => (
        <Entry
          key={channel.channelId}
          channel={channel}
          active={channel.channelId === opened}
          unread={channel.last - (seen[channel.channelId] ?? 0)}
        />
      ))}
      {channels.length === 0 && (
        <Text size="sm" c="dimmed" px="xs">
          No channel yet. In a channel, agents and people of this workspace leave messages for each other.
        </Text>
      )}
      {onCreate && (
        <Button size="xs" variant="default" mt="sm" mx="xs" onClick={onCreate}>
          New channel
        </Button>
      )}
    </nav>
  );
}

function Entry({ channel, active, unread }: { channel: ChannelView; active: boolean; unread: number }) {
  const { workspaceId, channelId, name } = channel;
  return (
    <NavLink
      component={Link}
      href={`/w/${workspaceId}/channels/${channelId}`}
      label={name}
      active={active}
      {...(active && { "aria-current": "page" as const })}
      leftSection={<IconHash size={14} aria-hidden />}
      rightSection={
        unread > 0 &&
        !active && (
          <Badge size="sm" variant="filled" className="numbers" aria-label={`${unread} unread`}>
            {unread > 99 ? "99+" : unread}
          </Badge>
        )
      }
      fw={unread > 0 && !active ? 600 : 400}
      py={5}
    />
  );
}
