import { Anchor, Badge, Button, Group, Select, Stack, Text } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import { type Api, answer, everything } from "#/api/client";
import { api as main, useMe } from "#/api/identity";
import type { Me, WorkspaceView } from "#/api/schema";
import { organisationKey } from "#/pages/organisations/data";
import { type Owner, useHomes, useOwnerNames } from "#/pages/workspaces/queries";
import { roomKey } from "#/room/key";
import { FormDialog } from "#/ui/form";
import { say } from "#/ui/notify";
import { Row, Rows } from "#/ui/rows";
import { Shown } from "#/ui/states";
import { useAllowed } from "./allowed";

const LIMIT = 100;
const NOBODY = "none";

/** Who owns the workspace, and so who reaches it. */
export function Ownership({ view }: { view: WorkspaceView }) {
  const { data: me } = useMe();
  return me ? <Owned me={me} view={view} /> : null;
}

function Owned({ me, view }: { me: Me; view: WorkspaceView }) {
  const names = useOwnerNames(me);
  const transfers = useAllowed("workspaces:transfer");
  const [open, setOpen] = useState(false);
  const { organisationId } = view;
  // Who signs in with the workspace's secret sees it alone, and no organisation.
  const seesOrganisation = organisationId !== null && names.has(organisationId);
  return (
    <Stack gap="sm" align="stretch">
      <Text size="sm">
        {organisationId === null ? (
          "No organisation owns it: only its own secret and keys, and administrators, reach it."
        ) : (
          <>
            It belongs to <OwnerName id={organisationId} name={names.get(organisationId)} />.
          </>
        )}
      </Text>
      {seesOrganisation && <Members organisationId={organisationId} />}
      {transfers && (
        <Group>
          <Button size="xs" variant="default" onClick={() => setOpen(true)}>
            Transfer
          </Button>
        </Group>
      )}
      {open && transfers && <Transfer me={me} view={view} api={transfers} close={() => setOpen(false)} />}
    </Stack>
  );
}

function OwnerName({ id, name }: { id: string; name: string | undefined }) {
  if (name === undefined) return <>an organisation that you do not see</>;
  return (
    <Anchor component={Link} href={`/orgs/${id}`} inherit underline="always">
      {name}
    </Anchor>
  );
}

function Members({ organisationId }: { organisationId: string }) {
  const query = useQuery({
    queryKey: organisationKey(organisationId, "members", "all"),
    queryFn: () =>
      everything((cursor) =>
        answer(
          main.GET("/api/orgs/{organisationId}/members", {
            params: { path: { organisationId }, query: { limit: LIMIT, ...(cursor && { cursor }) } },
          }),
        ),
      ),
  });
  return (
    <Shown query={query}>
      {(members) => (
        <Rows label="Members">
          {members.map(({ personId, name, email, rank }) => (
            <Row
              key={personId}
              title={<span>{name}</span>}
              meta={email}
              actions={
                <Badge variant="light" color="gray" tt="none">
                  {rank}
                </Badge>
              }
            />
          ))}
        </Rows>
      )}
    </Shown>
  );
}

function Transfer({ me, view, api, close }: { me: Me; view: WorkspaceView; api: Api; close: () => void }) {
  const queries = useQueryClient();
  const homes = useHomes(me).filter((home) => (home?.organisationId ?? null) !== view.organisationId);
  const [to, setTo] = useState<string | null>(null);
  const deed = useMutation({
    mutationFn: (organisationId: string | null) =>
      answer(
        api.POST("/api/workspaces/{workspaceId}/transfer", {
          params: { path: { workspaceId: view.workspaceId } },
          body: { organisationId },
        }),
      ),
    onSuccess: async () => {
      say("The workspace has its new owner");
      close();
      await queries.invalidateQueries({ queryKey: roomKey(view.workspaceId) });
    },
  });
  return (
    <FormDialog
      title="Transfer the workspace"
      action="Transfer"
      busy={deed.isPending}
      error={deed.error}
      fields={[]}
      onSubmit={() => to !== null && deed.mutate(to === NOBODY ? null : to)}
      onClose={close}
    >
      <Text size="sm">
        The members and keys of its owner lose it at once, and what they hold open in it is closed. Its own secret and keys stay
        as they are.
      </Text>
      <Select
        label="New owner"
        placeholder={homes.length > 0 ? "Choose one" : "There is no other that you may choose"}
        value={to}
        onChange={setTo}
        data={homes.map(option)}
        searchable
        required
      />
    </FormDialog>
  );
}

function option(home: Owner | null): { value: string; label: string } {
  return { value: home?.organisationId ?? NOBODY, label: home?.name ?? "No organisation" };
}
