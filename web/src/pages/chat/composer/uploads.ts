import { useCallback, useEffect, useRef, useState } from "react";
import { messageOf } from "#/api/problem";
import { useRoom } from "#/room/room";
import { complain } from "#/ui/notify";
import type { Attached } from "./queue";
import { upload } from "./upload";

/** A file on its way, or one that has not arrived. */
export interface Uploading {
  id: number;
  name: string;
  /** From 0 to 1. */
  part: number;
  error: string | null;
}

/** Uploads of files for a prompt; `done` hears of each that is there. What is on its way ends with the component. */
export function useUploads(sessionId: string, done: (file: Attached) => void) {
  const room = useRoom();
  const [files, setFiles] = useState<readonly Uploading[]>([]);
  const stops = useRef(new Map<number, AbortController>());
  const next = useRef(0);
  useEffect(() => {
    const running = stops.current;
    return () => {
      for (const stop of running.values()) stop.abort();
    };
  }, []);

  const drop = useCallback((id: number) => {
    stops.current.get(id)?.abort();
    stops.current.delete(id);
    setFiles((known) => known.filter((file) => file.id !== id));
  }, []);

  const begin = useCallback(
    async (file: File) => {
      next.current += 1;
      const id = next.current;
      const stop = new AbortController();
      const change = (to: Partial<Uploading>) =>
        setFiles((known) => known.map((one) => (one.id === id ? { ...one, ...to } : one)));
      stops.current.set(id, stop);
      setFiles((known) => [...known, { id, name: file.name, part: 0, error: null }]);
      try {
        const attached = await upload(room, sessionId, file, (part) => change({ part }), stop.signal);
        drop(id);
        done(attached);
      } catch (error) {
        if (!stop.signal.aborted) change({ error: messageOf(error) });
      }
    },
    [room, sessionId, done, drop],
  );

  /** Upload the first `most` of these. */
  const add = useCallback(
    (given: readonly File[], most: number) => {
      if (given.length > most) complain(new Error("A prompt takes at most 20 files."), "Not all files were added");
      for (const file of given.slice(0, Math.max(0, most))) void begin(file);
    },
    [begin],
  );

  return { files, add, drop };
}
