import { useMemo, useState } from "react";
import { useParams } from "wouter";
import type { ChannelView } from "#/api/schema";
import { useRoom } from "#/room/room";
import { type Command, useCommands } from "#/shell/commands";
import { Shown } from "#/ui/states";
import { useChannels } from "./channels";
import styles from "./channels.module.css";
import { Conversation, NoChannel } from "./conversation";
import { ChannelForm } from "./form";
import { ChannelNavigation } from "./navigation";

/** The workspace's channels, and the messages of the one that is open. */
export default function ChannelsPage() {
  const { channelId } = useParams<{ channelId?: string }>();
  const { may } = useRoom();
  const query = useChannels();
  const [form, setForm] = useState<{ known: ChannelView | null } | null>(null);
  const writes = may("channels:write");
  const offered = useMemo<Command[]>(() => {
    const run = () => setForm({ known: null });
    return writes ? [{ id: "new-channel", group: "Channels", label: "New channel", run }] : [];
  }, [writes]);
  useCommands(offered);
  const create = writes ? () => setForm({ known: null }) : undefined;
  return (
    <Shown query={query} label="Looking for channels">
      {({ items }) => (
        <div className={channelId ? `${styles.layout} ${styles.opened}` : styles.layout}>
          <ChannelNavigation channels={items} opened={channelId} onCreate={create} />
          <section className={styles.thread}>
            <Opened channels={items} channelId={channelId} onEdit={(known) => setForm({ known })} />
          </section>
          {form && <ChannelForm known={form.known} onClose={() => setForm(null)} />}
        </div>
      )}
    </Shown>
  );
}

interface OpenedProps {
  channels: readonly ChannelView[];
  channelId: string | undefined;
  onEdit: (channel: ChannelView) => void;
}

function Opened({ channels, channelId, onEdit }: OpenedProps) {
  const channel = channels.find((known) => known.channelId === channelId);
  if (channel === undefined) return <NoChannel gone={channelId !== undefined} />;
  return <Conversation key={channel.channelId} channel={channel} onEdit={() => onEdit(channel)} />;
}
