import { ActionIcon, Box, Button, Text, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { IconArrowLeft } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { Link, useLocation } from "wouter";
import { answer } from "#/api/client";
import type { ChannelView } from "#/api/schema";
import { useRoom } from "#/room/room";
import { Confirm } from "#/ui/confirm";
import { EmptyState, ErrorState, LoadingState } from "#/ui/states";
import { channelsKey } from "./channels";
import styles from "./channels.module.css";
import { Composer } from "./composer";
import { MessageList } from "./list";
import { useThread } from "./thread";

/** One channel: its messages, and a way to add some. */
export function Conversation({ channel, onEdit }: { channel: ChannelView; onEdit: () => void }) {
  useDocumentTitle(`#${channel.name} · hostel`);
  const { may } = useRoom();
  const { thread, messages } = useThread(channel.channelId);
  return (
    <>
      <Head channel={channel} onEdit={onEdit} />
      {messages.error !== null && <ErrorState error={messages.error} />}
      {messages.ready ? (
        <MessageList channelId={channel.channelId} thread={thread} messages={messages} />
      ) : (
        <Box flex={1}>{messages.error === null && <LoadingState label="Reading" />}</Box>
      )}
      {may("channels:write") && <Composer channel={channel} onSend={(text, name) => thread.send(text, name)} />}
    </>
  );
}

function Head({ channel, onEdit }: { channel: ChannelView; onEdit: () => void }) {
  const { workspaceId, api, may } = useRoom();
  const queries = useQueryClient();
  const [, go] = useLocation();
  const all = `/w/${workspaceId}/channels`;
  const remove = async () => {
    const path = { workspaceId, channelId: channel.channelId };
    await answer(api.DELETE("/api/workspaces/{workspaceId}/channels/{channelId}", { params: { path } }));
    go(all);
    void queries.invalidateQueries({ queryKey: channelsKey(workspaceId) });
  };
  return (
    <header className={styles.head}>
      <ActionIcon component={Link} href={all} variant="subtle" className={styles.back} aria-label="All channels">
        <IconArrowLeft size={16} aria-hidden />
      </ActionIcon>
      <Box flex={1} miw={0}>
        <Title order={1} size="h5" lineClamp={1}>
          #{channel.name}
        </Title>
        <Text size="xs" c="dimmed" truncate title={channel.topic}>
          {channel.topic}
        </Text>
      </Box>
      {may("channels:write") && (
        <>
          <Button size="xs" variant="default" onClick={onEdit}>
            Change
          </Button>
          <Confirm
            title={`Delete #${channel.name}?`}
            text="Its messages go with it, for everybody."
            typed={channel.name}
            act={remove}
          >
            Delete
          </Confirm>
        </>
      )}
    </header>
  );
}

/** In the place of a channel, where none is open. */
export function NoChannel({ gone }: { gone: boolean }) {
  useDocumentTitle("Channels · hostel");
  if (gone) return <EmptyState title="There is no such channel">It was deleted, or never was.</EmptyState>;
  return (
    <EmptyState title="No channel is open">Choose one on the left. Messages are kept in order, each with a number.</EmptyState>
  );
}
