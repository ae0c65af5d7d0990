import { Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { answer } from "#/api/client";
import { roomKey } from "#/room/key";
import { useRoom } from "#/room/room";
import { bytes } from "#/ui/format";
import { Shown } from "#/ui/states";
import { load, type Sample, withSample } from "./samples";
import { Sparkline } from "./sparkline";
import { Tile, Tiles } from "./tile";

/** Milliseconds between two looks, while the page is seen. */
const EVERY = 5000;

/** What runs in the workspace now, and what it uses; the lines show the last minutes. */
export function Figures() {
  const { workspaceId, api } = useRoom();
  const queryKey = roomKey(workspaceId, "figures");
  const query = useQuery({
    queryKey,
    queryFn: async ({ client }) => {
      const figures = await answer(api.GET("/api/workspaces/{workspaceId}/figures", { params: { path: { workspaceId } } }));
      return withSample(client.getQueryData<readonly Sample[]>(queryKey) ?? [], { at: Date.now(), figures });
    },
    refetchInterval: EVERY,
  });
  return <Shown query={query}>{(samples) => <Now samples={samples} />}</Shown>;
}

function Now({ samples }: { samples: readonly Sample[] }) {
  const figures = samples.at(-1)?.figures;
  if (!figures?.running)
    return (
      <Text size="sm">Nothing runs. The room starts by itself when somebody opens a session, and stops when it is idle.</Text>
    );
  const loads = load(samples);
  return (
    <Tiles>
      <Tile
        label="Processors in use"
        value={loads.at(-1)?.toFixed(2) ?? "…"}
        about={`${Math.round(figures.cpu)} s used so far`}
      >
        <Sparkline values={loads} max={1} label="Processors in use, last minutes" />
      </Tile>
      <Tile label="Memory" value={bytes(figures.memory)} about={figures.partial ? "of a part of the processes" : "resident"}>
        <Sparkline values={samples.map((sample) => sample.figures.memory)} label="Memory, last minutes" />
      </Tile>
      <Tile label="Processes" value={figures.processes} about={limit(figures.processesLimit)}>
        <Sparkline values={samples.map((sample) => sample.figures.processes)} label="Processes, last minutes" />
      </Tile>
      <Tile label="Terminals" value={figures.terminals} about="whose program runs" />
      <Tile label="Turns" value={figures.turns} about="that run" />
      <Tile label="Open files" value={figures.openFilesLimit ?? "No limit"} about="of each process at most" />
      <Disk {...figures} />
    </Tiles>
  );
}

function limit(most: number | null): string {
  return most === null ? "no limit" : `of ${most}`;
}

interface Space {
  disk: number | null;
  diskLimit: number | null;
  diskFree: number | null;
  diskTotal: number | null;
}

function Disk({ disk, diskLimit, diskFree, diskTotal }: Space) {
  if (disk !== null && diskLimit !== null) return <Tile label="Files" value={bytes(disk)} about={`of ${bytes(diskLimit)}`} />;
  if (diskFree === null || diskTotal === null) return null;
  return <Tile label="Free on the disk" value={bytes(diskFree)} about={`of ${bytes(diskTotal)}, shared`} />;
}
