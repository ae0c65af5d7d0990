import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { answer } from "#/api/client";
import type { ChannelList, ChannelView, DeletedChannelView } from "#/api/schema";
import { roomKey } from "#/room/key";
import { useRoom } from "#/room/room";

/** The key of the list of channels. */
export function channelsKey(workspaceId: string): readonly unknown[] {
  return roomKey(workspaceId, "channels");
}

/** The workspace's channels by name, with the number of each newest message, as they change. */
export function useChannels() {
  const { workspaceId, api, live } = useRoom();
  const queries = useQueryClient();
  useEffect(() => {
    const key = channelsKey(workspaceId);
    const stops = [
      live.on("channel", ({ data }) => {
        const told: ChannelView = JSON.parse(data);
        queries.setQueryData<ChannelList>(key, (known) => known && withChannel(known, told));
      }),
      live.on("channelDeleted", ({ data }) => {
        const told: DeletedChannelView = JSON.parse(data);
        queries.setQueryData<ChannelList>(key, (known) => known && withoutChannel(known, told.channelId));
      }),
      live.on("ready", () => void queries.invalidateQueries({ queryKey: key })),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }, [workspaceId, live, queries]);
  return useQuery({
    queryKey: channelsKey(workspaceId),
    queryFn: () => answer(api.GET("/api/workspaces/{workspaceId}/channels", { params: { path: { workspaceId } } })),
  });
}

/** The list with what is newly known of one channel. */
export function withChannel({ items }: ChannelList, channel: ChannelView): ChannelList {
  const others = items.filter(({ channelId }) => channelId !== channel.channelId);
  return { items: [...others, channel].sort((one, other) => (one.name < other.name ? -1 : 1)) };
}

/** The list without a channel that is gone. */
export function withoutChannel({ items }: ChannelList, gone: string): ChannelList {
  return { items: items.filter(({ channelId }) => channelId !== gone) };
}
