import { Alert, Button, Group } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { answer } from "#/api/client";
import { State } from "#/pages/workspaces/state";
import { roomKey } from "#/room/key";
import { useRoom } from "#/room/room";
import { Copy } from "#/ui/copy";
import { complain } from "#/ui/notify";
import { Page } from "#/ui/page";
import { Shown } from "#/ui/states";
import { Ago } from "#/ui/time";
import { Deleted, Deletion } from "./deletion";
import { Export } from "./export";
import { Handovers } from "./handover";
import { NameForm } from "./name";
import { Ownership } from "./owner";
import { Parts } from "./parts";
import { Providers } from "./providers";
import { Secret } from "./secret";
import { Section } from "./section";
import { type Seen, workspaceQuery } from "./workspace";

/** What a workspace is, and who may what with it. */
export default function Settings() {
  const room = useRoom();
  const queries = useQueryClient();
  const query = useQuery(workspaceQuery(room));
  useEffect(
    () => room.live.on("workspace", () => void queries.invalidateQueries({ queryKey: workspaceQuery(room).queryKey })),
    [room, queries],
  );
  return <Shown query={query}>{(seen) => <Shell seen={seen} />}</Shown>;
}

function Shell({ seen }: { seen: Seen }) {
  const { view } = seen;
  return (
    <Page
      title={view.name}
      description={
        <Group gap={6}>
          <code>{view.workspaceId}</code>
          <Copy value={view.workspaceId} label="the workspace's id" />
          <State status={view.status} />
          <span>
            Made <Ago at={view.createdAt} />
          </span>
        </Group>
      }
    >
      {view.status === "deleted" ? <Deleted view={view} /> : <Sections seen={seen} />}
    </Page>
  );
}

function Sections({ seen }: { seen: Seen }) {
  const { workspaceId, api, may } = useRoom();
  const { view } = seen;
  return (
    <>
      {view.status === "error" && <NotMade reason={view.errorReason} />}
      {may("workspaces:write") && (
        <Section title="Name">
          <NameForm key={view.name} seen={seen} />
        </Section>
      )}
      <Section title="Parts" about="The Linux user, and what other servers make for the workspace.">
        <Parts api={api} workspaceId={workspaceId} writes={may("workspaces:write")} reveals={may("secrets:write")} />
      </Section>
      <Section title="Providers" about="With what agents sign in. A credential is given, replaced or removed, and never shown.">
        <Providers seen={seen} />
      </Section>
      <Section title="Owner and members">
        <Ownership view={view} />
      </Section>
      {(may("handover") || may("keys:read")) && (
        <Section
          title="Hand over"
          about="A link that is good once, for few minutes: it signs somebody in, or gives them a key."
        >
          <Handovers />
        </Section>
      )}
      <Section title="Secret" about="With the workspace's id it signs in. It was shown once, when the workspace was made.">
        <Secret />
      </Section>
      <Section title="Files" about="The whole home as an archive, .tar.zst, without the agents' credentials.">
        <Export />
      </Section>
      {may("workspaces:delete") && (
        <Section title="Deletion">
          <Deletion view={view} />
        </Section>
      )}
    </>
  );
}

function NotMade({ reason }: { reason: string | null }) {
  const { workspaceId, api, may } = useRoom();
  const queries = useQueryClient();
  const retry = useMutation({
    mutationFn: () =>
      answer(
        api.POST("/api/workspaces/{workspaceId}/provision", {
          params: { path: { workspaceId }, header: { Prefer: "wait=5" } },
        }),
      ),
    onSettled: () => queries.invalidateQueries({ queryKey: roomKey(workspaceId) }),
    onError: (error) => complain(error),
  });
  return (
    <Alert color="red" variant="light" title="The workspace could not be made" mb="md">
      {reason}
      {may("workspaces:write") && (
        <Group mt="sm">
          <Button size="xs" variant="default" loading={retry.isPending} onClick={() => retry.mutate()}>
            Try again
          </Button>
        </Group>
      )}
    </Alert>
  );
}
