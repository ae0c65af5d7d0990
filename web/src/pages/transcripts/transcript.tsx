import { Anchor, Text } from "@mantine/core";
import { Link, useParams } from "wouter";
import type { TranscriptView } from "#/api/schema";
import { useLive } from "#/live/room";
import { useRoom } from "#/room/room";
import { Copy } from "#/ui/copy";
import { plural } from "#/ui/format";
import { Page } from "#/ui/page";
import { EmptyState, Shown } from "#/ui/states";
import { Ago } from "#/ui/time";
import { agentTitle } from "./agents";
import { Export } from "./export";
import { Reader } from "./reader";
import { useReading } from "./reading";
import { entriesOf, figuresOf } from "./row";

/** One transcript, to read and to export. */
export default function Transcript() {
  const { transcriptId = "" } = useParams();
  return <Opened key={transcriptId} transcriptId={transcriptId} />;
}

function Opened({ transcriptId }: { transcriptId: string }) {
  const { reading, query, want } = useReading(transcriptId);
  return (
    <Shown query={{ ...query, data: reading }} label="Opening the transcript">
      {(found) => (
        <Page
          title={found.transcript.title || "Without a title"}
          description={<About transcript={found.transcript} />}
          actions={<Export transcriptId={transcriptId} />}
        >
          {found.entries.length === 0 ? <EmptyState title="Nothing was said yet" /> : <Reader reading={found} want={want} />}
          {query.isFetchNextPageError && (
            <Text size="sm" c="var(--mantine-color-error)" role="alert">
              The rest could not be read.{" "}
              <Anchor onClick={() => void query.fetchNextPage()} component="button" inherit underline="always">
                Try again
              </Anchor>
            </Text>
          )}
        </Page>
      )}
    </Shown>
  );
}

function About({ transcript }: { transcript: TranscriptView }) {
  const { live, workspaceId } = useRoom();
  const { agent, models, sessionId, cwd, startedAt, updatedAt, nativeId, skipped } = transcript;
  const session = useLive(live, (state) => state.sessions.get(sessionId ?? ""));
  return (
    <>
      {[agentTitle(agent), ...models].join(", ")} in{" "}
      {session ? (
        <Anchor component={Link} href={`/w/${workspaceId}/s/${session.sessionId}`} inherit underline="always">
          {session.name}
        </Anchor>
      ) : (
        <code>{cwd ?? "an unknown folder"}</code>
      )}
      {". Begun "}
      <Ago at={startedAt} />, last changed <Ago at={updatedAt} />. {plural(entriesOf(transcript), "entry", "entries")}
      {`, ${figuresOf(transcript)}. `}
      {skipped > 0 && `${plural(skipped, "line")} could not be read. `}
      Conversation <code>{nativeId}</code> <Copy value={nativeId} label="the agent's id of the conversation" />
    </>
  );
}
