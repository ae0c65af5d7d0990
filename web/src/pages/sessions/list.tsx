import { TextInput } from "@mantine/core";
import { useHotkeys } from "@mantine/hooks";
import { type KeyboardEvent, useCallback, useMemo, useRef, useState } from "react";
import { useLocation } from "wouter";
import type { SessionView } from "#/api/schema";
import { useLive } from "#/live/room";
import { useRoom } from "#/room/room";
import { plural } from "#/ui/format";
import { EmptyState } from "#/ui/states";
import { VirtualRows } from "#/ui/virtual";
import { useActivities } from "./activity";
import { DeleteDialog, RenameDialog } from "./dialogs";
import { NewSessionDialog } from "./form";
import { byActivity, matching } from "./order";
import { type Deed, SessionRow } from "./row";

const ROW = 55;

/** The sessions of the room, the one that was used last first. */
export function SessionList({ sessions }: { sessions: ReadonlyMap<string, SessionView> }) {
  const { workspaceId, live, may } = useRoom();
  const activity = useActivities(live);
  const deadlines = useLive(live, (state) => state.deadlines);
  const [filter, setFilter] = useState("");
  const [asked, setAsked] = useState<{ deed: Deed; session: SessionView } | null>(null);
  const [, go] = useLocation();
  const input = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLDivElement>(null);
  // Inside of the list the same keys go on from row to row.
  const enter = () => {
    if (!list.current?.contains(document.activeElement)) list.current?.querySelector("a")?.focus();
  };
  useHotkeys([
    ["/", () => input.current?.focus()],
    ["j", enter],
  ]);

  const ordered = useMemo(() => byActivity(sessions.values()), [sessions]);
  const shown = useMemo(() => matching(ordered, filter), [ordered, filter]);
  const ask = useCallback((deed: Deed, session: SessionView) => setAsked({ deed, session }), []);
  const close = () => setAsked(null);

  const onKeyDown = (event: KeyboardEvent) => {
    const first = shown[0];
    if (event.key === "Enter" && first) go(`/w/${workspaceId}/s/${first.sessionId}`);
    if (event.key === "Escape") setFilter("");
  };

  return (
    <>
      <TextInput
        ref={input}
        aria-label="Filter sessions"
        description={filter && `${shown.length} of ${plural(sessions.size, "session")}. Enter opens the first.`}
        inputWrapperOrder={["label", "input", "description"]}
        placeholder="Filter by name, repository, ref or state ( / )"
        value={filter}
        onChange={(event) => setFilter(event.currentTarget.value)}
        onKeyDown={onKeyDown}
        mb="xs"
        size="sm"
      />
      {shown.length === 0 ? (
        <EmptyState title="Nothing like that">No session has “{filter.trim()}” in it.</EmptyState>
      ) : (
        <div ref={list}>
          <VirtualRows label="Sessions" items={shown} keyOf={(session) => session.sessionId} height={ROW}>
            {(session) => (
              <SessionRow
                session={session}
                {...activity(session.sessionId)}
                due={deadlines.get(session.sessionId)}
                ask={may("sessions:write") ? ask : null}
              />
            )}
          </VirtualRows>
        </div>
      )}
      {asked?.deed === "rename" && <RenameDialog session={asked.session} close={close} />}
      {asked?.deed === "delete" && (
        <DeleteDialog session={asked.session} activity={activity(asked.session.sessionId)} close={close} />
      )}
      {asked?.deed === "again" && <NewSessionDialog failed={asked.session} close={close} />}
    </>
  );
}
