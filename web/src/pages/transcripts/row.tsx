import { Anchor, Badge } from "@mantine/core";
import { memo } from "react";
import { Link } from "wouter";
import type { TranscriptView } from "#/api/schema";
import { count, dollars, plural } from "#/ui/format";
import { Ago } from "#/ui/time";
import { agentTitle } from "./agents";
import styles from "./transcripts.module.css";

/** How much a transcript holds, and what it has cost. Where some answers have no price the sum says so. */
export function figuresOf({ usage, unpriced, answers }: TranscriptView): string {
  const tokens = `${count(usage.input + usage.output)} tokens`;
  if (usage.cost === null || answers === unpriced) return tokens;
  return `${tokens} · ${unpriced > 0 ? "at least " : ""}${dollars(usage.cost)}`;
}

/** How many entries there are. */
export function entriesOf({ entries }: TranscriptView): number {
  return entries.user + entries.assistant + entries.thinking + entries.tool;
}

/** A transcript in the list. `place`: the session or folder in which the agent worked. */
export const TranscriptRow = memo(function TranscriptRow({ transcript, place }: { transcript: TranscriptView; place: string }) {
  const { transcriptId, workspaceId, title, agent, subagent, updatedAt } = transcript;
  return (
    <div className={styles["row"]}>
      <div className={styles["main"]}>
        <div className={styles["title"]}>
          <Anchor component={Link} href={`/w/${workspaceId}/transcripts/${transcriptId}`} c="inherit" truncate>
            {title || "Without a title"}
          </Anchor>
          {subagent && (
            <Badge size="xs" variant="default">
              Subagent
            </Badge>
          )}
        </div>
        <div className={styles["meta"]}>
          <span>{agentTitle(agent)}</span>
          <span className={styles["place"]}>{place}</span>
          <span>{plural(entriesOf(transcript), "entry", "entries")}</span>
        </div>
      </div>
      <div className={styles["figures"]}>
        <span>{figuresOf(transcript)}</span>
        <Ago at={updatedAt} />
      </div>
    </div>
  );
});
