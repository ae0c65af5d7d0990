import { useEffect, useState } from "react";
import type { AuditRecordView } from "#/api/schema";
import { EventStream, type StreamState, type Told } from "#/live/stream";
import { complain } from "#/ui/notify";
import { type AuditSource, type Filters, followed, merged } from "./source";

/** What the stream has told, and how it stands; null while nobody follows. */
export interface Following {
  records: readonly AuditRecordView[];
  state: StreamState | null;
}

/** The most records that a followed log holds in the page; older ones are read again when they are wanted. */
const HELD = 5000;
const NOTHING: readonly AuditRecordView[] = [];

/** Follows a log while `on`. What it told stays until the filters change. */
export function useFollowing(source: AuditSource, filters: Filters, on: boolean): Following {
  const [records, setRecords] = useState(NOTHING);
  const [state, setState] = useState<StreamState | null>(null);
  const url = followed(source, filters);

  // biome-ignore lint/correctness/useExhaustiveDependencies: what other filters have let through is not of these
  useEffect(() => setRecords(NOTHING), [url]);

  useEffect(() => {
    if (!on) return;
    let closed = false;
    const take = (more: readonly AuditRecordView[]) => {
      if (!closed && more.length > 0) setRecords((known) => merged(known, more).slice(0, HELD));
    };
    const stream = new EventStream({
      url,
      bearer: source.bearer,
      onOpen: (resumed) => {
        // The stream begins now: what was written between the list and it is read once more.
        if (!resumed) void source.page(filters, undefined).then(({ items }) => take(items), complain);
      },
      onEvents: (events) => take(events.flatMap(recordOf)),
      onState: setState,
      onRefused: (error) => complain(error, "The log cannot be followed"),
    });
    return () => {
      closed = true;
      stream.close();
      setState(null);
    };
  }, [on, url, source, filters]);
  return { records, state };
}

function recordOf({ name, data }: Told): AuditRecordView[] {
  // The other event is the stream's end.
  return name === "message" ? [JSON.parse(data)] : [];
}
