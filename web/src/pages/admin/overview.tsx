import { Alert, Badge, Progress, Stack, Table, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { answer } from "#/api/client";
import { api } from "#/api/identity";
import type { FindingView } from "#/api/schema";
import { Tile, Tiles } from "#/pages/usage/tile";
import { bytes, plural } from "#/ui/format";
import { Shown } from "#/ui/states";
import { Ago } from "#/ui/time";

/** Milliseconds between two looks, while the page is seen. */
const EVERY = 5000;
/** The share of memory, or of the disk, from which little is left. */
const FULL = 0.9;

type Host = Awaited<ReturnType<typeof ask>>;

function ask() {
  return answer(api.GET("/api/host"));
}

/** How the host is. */
export function Overview() {
  const query = useQuery({ queryKey: ["host"], queryFn: ask, refetchInterval: EVERY });
  return (
    <Shown query={query} label="Asking the host">
      {(host) => (
        <Stack gap="md">
          {host.hostd === null && (
            <Alert color="red" variant="light" title="hostd does not answer">
              Rooms that run go on, but none is made, opened or ended. The findings below say why.
            </Alert>
          )}
          <Load host={host} />
          <Findings findings={host.findings} />
        </Stack>
      )}
    </Shown>
  );
}

function Load({ host: { machine, server, hostd } }: { host: Host }) {
  const [one = 0, five = 0, fifteen = 0] = machine.load;
  return (
    <Tiles>
      <Tile
        label="Load"
        value={one.toFixed(2)}
        about={`${five.toFixed(2)}, ${fifteen.toFixed(2)} on ${plural(machine.cpus, "processor")}`}
      >
        <Share of="Load" used={one} total={machine.cpus} />
      </Tile>
      <Tile
        label="Memory"
        value={bytes(machine.memoryTotal - machine.memoryAvailable)}
        about={`of ${bytes(machine.memoryTotal)}`}
      >
        <Share of="Memory" used={machine.memoryTotal - machine.memoryAvailable} total={machine.memoryTotal} />
      </Tile>
      <Tile label="Disk" value={bytes(machine.diskTotal - machine.diskFree)} about={`of ${bytes(machine.diskTotal)}`}>
        <Share of="Disk" used={machine.diskTotal - machine.diskFree} total={machine.diskTotal} />
      </Tile>
      {hostd && (
        <Tile label="Workspaces" value={hostd.workspaces} about={`${hostd.running} running, ${hostd.uidsLeft} more fit`} />
      )}
      <Tile label="Connections" value={server.connections} about="WebSockets and streams" />
      <Tile
        label="Server"
        value={server.version}
        about={
          <>
            {bytes(server.memory)}, started <Ago at={server.startedAt} />
          </>
        }
      />
      {hostd && (
        <Tile
          label="hostd"
          value={hostd.version}
          about={
            <>
              cgroups {hostd.cgroups}, started <Ago at={hostd.startedAt} />
            </>
          }
        />
      )}
    </Tiles>
  );
}

function Share({ of, used, total }: { of: string; used: number; total: number }) {
  const share = total > 0 ? used / total : 0;
  return (
    <Progress
      mt={6}
      size="sm"
      value={Math.min(100, share * 100)}
      color={share >= FULL ? "orange" : "blue"}
      aria-label={`${of}: share in use`}
    />
  );
}

const ORDER = ["failed", "warning", "ok"] as const;
const SHOWN = {
  ok: { color: "teal", label: "Good" },
  warning: { color: "yellow", label: "Look at this" },
  failed: { color: "red", label: "Needs repair" },
} as const;

function Findings({ findings }: { findings: readonly FindingView[] }) {
  const sorted = ORDER.flatMap((state) => findings.filter((finding) => finding.state === state));
  const wrong = findings.filter(({ state }) => state !== "ok").length;
  return (
    <section aria-labelledby="findings">
      <Title order={2} size="h5" id="findings">
        Checks
      </Title>
      <Text size="sm" c="dimmed" mb="xs">
        {wrong === 0 ? "All is well." : `${wrong} of ${plural(findings.length, "check")} need a look.`}{" "}
        <code>hostelctl doctor</code> looks at more, on the host.
      </Text>
      <Table verticalSpacing={4}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>State</Table.Th>
            <Table.Th>Check</Table.Th>
            <Table.Th>What was found</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {sorted.map(({ check, state, detail }) => (
            <Table.Tr key={check}>
              <Table.Td>
                <Badge variant="light" tt="none" miw="max-content" color={SHOWN[state].color}>
                  {SHOWN[state].label}
                </Badge>
              </Table.Td>
              <Table.Th scope="row" fw={500}>
                {check}
              </Table.Th>
              <Table.Td>{detail}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </section>
  );
}
