import "./chat.css";
import { Button } from "@mantine/core";
import { useMemo } from "react";
import { Link, useSearchParams } from "wouter";
import { useRoom } from "#/room/room";
import { EmptyState, ErrorState, LoadingState } from "#/ui/states";
import { Conversation } from "./conversation";
import { Head } from "./head";
import type { LogState } from "./log/fold";
import { troubleOf, useSessionLog } from "./log/session";
import { isAt, type Place, placeKey } from "./log/turn";
import type { Question } from "./permissions/cards";
import { defaultPlace, type Places, usePlaces, worktreeName } from "./places";
import { sumLine, sumOf } from "./transcript/usage";

/** The conversations of a session with its agents, one of them open. */
export default function Chat({ sessionId }: { sessionId: string }) {
  const { workspaceId } = useRoom();
  const { state, ready, connection, refused } = useSessionLog(sessionId);
  const { agents, worktrees, conversations, keep } = usePlaces(sessionId, state.offered);
  const [search, setSearch] = useSearchParams();
  const named = search.get("agent");
  const list = agents.data ?? [];
  const place = useMemo<Place | null>(
    () => (named === null ? null : { agent: named, worktreeId: search.get("worktree") }),
    [named, search],
  );
  const open = ({ agent, worktreeId }: Place) => setSearch({ agent, ...(worktreeId && { worktree: worktreeId }) });

  if (!ready && refused !== null) return <ErrorState error={refused} />;
  if (!ready || agents.isPending) {
    return (
      <LoadingState
        label={connection === "reconnecting" ? "The server cannot be reached, trying again" : "Opening the conversation"}
      />
    );
  }
  const here = place ?? defaultPlace(state.turns.values(), list);
  if (here === null) {
    if (agents.isError) return <ErrorState error={agents.error} retry={() => void agents.refetch()} />;
    return (
      <EmptyState
        title="There is no agent on this host"
        action={
          <Button component={Link} href={`/w/${workspaceId}/s/${sessionId}/terminals`} variant="default" size="xs">
            Open a terminal
          </Button>
        }
      >
        Its administrator installs agents with <code>hostelctl agents install</code>.
      </EmptyState>
    );
  }
  return (
    <Opened
      sessionId={sessionId}
      place={here}
      state={state}
      places={{ agents: list, worktrees: worktrees.data ?? [], conversations: conversations.data ?? [] }}
      trouble={troubleOf(connection, refused)}
      open={open}
      keep={keep}
    />
  );
}

function Opened({
  sessionId,
  place,
  state,
  places,
  trouble,
  open,
  keep,
}: {
  sessionId: string;
  place: Place;
  state: LogState;
  places: Places;
  trouble: string | null;
  open: (place: Place) => void;
  keep: ReturnType<typeof usePlaces>["keep"];
}) {
  const { agent, worktreeId } = place;
  const turns = useMemo(
    () => [...state.turns.values()].filter((turn) => isAt(turn, { agent, worktreeId })),
    [state.turns, agent, worktreeId],
  );
  const busy = new Set([...state.turns.values()].flatMap((turn) => (turn.ended === null ? turn.agent : [])));
  return (
    <div className="chat">
      <Head
        place={place}
        agents={places.agents}
        worktrees={places.worktrees}
        busy={busy}
        sum={useMemo(() => sumLine(sumOf(turns)), [turns])}
        open={open}
      />
      <Conversation
        key={placeKey(place)}
        sessionId={sessionId}
        place={place}
        turns={turns}
        agent={places.agents.find((found) => found.agent === agent)}
        conversation={places.conversations.find((found) => isAt(found, place))}
        questions={questionsOf(state, place, places)}
        trouble={trouble}
        open={open}
        keep={keep}
      />
    </div>
  );
}

/** The questions that wait in all conversations of the session, in words that tell them apart. */
function questionsOf(state: LogState, here: Place, { agents, worktrees }: Places): Question[] {
  return [...state.waiting.values()].flatMap((asked) => {
    const turn = state.turns.get(asked.turnId);
    if (turn === undefined) return [];
    const title = agents.find((agent) => agent.agent === turn.agent)?.title ?? turn.agent;
    const isHere = isAt(turn, here);
    const who = isHere ? title : `${title} in ${worktreeName(worktrees, turn.worktreeId)}`;
    return { asked, place: turn, who, here: isHere };
  });
}
