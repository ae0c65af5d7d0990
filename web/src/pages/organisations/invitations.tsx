import { Button, Group, Modal, NativeSelect, Stack, Text, Title } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { answer, everything } from "#/api/client";
import { api } from "#/api/identity";
import type { InvitationView, NewInvitationView, Rank } from "#/api/schema";
import { Maker } from "#/names/called";
import { Confirm } from "#/ui/confirm";
import { Reveal } from "#/ui/copy";
import { FormDialog } from "#/ui/form";
import { Row, Rows } from "#/ui/rows";
import { Shown } from "#/ui/states";
import { Ago } from "#/ui/time";
import { organisationKey, RANKS } from "./data";
import { invitationLink } from "./join";

const LIFETIMES = [
  { value: "3600", label: "1 hour" },
  { value: "86400", label: "1 day" },
  { value: "604800", label: "7 days" },
  { value: "1209600", label: "14 days" },
];

/** The invitations of an organisation that nobody has accepted yet. `ranks` are those that the person may give. */
export function Invitations({ organisationId, ranks }: { organisationId: string; ranks: readonly Rank[] }) {
  const queries = useQueryClient();
  const [inviting, setInviting] = useState(false);
  const queryKey = organisationKey(organisationId, "invitations");
  const query = useQuery({
    queryKey,
    queryFn: () =>
      everything((cursor) =>
        answer(
          api.GET("/api/orgs/{organisationId}/invitations", {
            params: { path: { organisationId }, query: { limit: 100, ...(cursor && { cursor }) } },
          }),
        ),
      ),
  });
  const refresh = () => queries.invalidateQueries({ queryKey });
  return (
    <Stack gap="xs" component="section" aria-label="Invitations">
      <Group justify="space-between">
        <Title order={2} size="h4">
          Invitations
        </Title>
        <Button size="xs" onClick={() => setInviting(true)}>
          Invite somebody
        </Button>
      </Group>
      <Shown query={query} label="Looking for invitations">
        {(items) =>
          items.length > 0 ? (
            <List items={items} refresh={refresh} />
          ) : (
            <Text size="sm" c="dimmed">
              None is open. An invitation is a link that makes whoever opens it a member, once.
            </Text>
          )
        }
      </Shown>
      {inviting && <Invite organisationId={organisationId} ranks={ranks} made={refresh} close={() => setInviting(false)} />}
    </Stack>
  );
}

function List({ items, refresh }: { items: readonly InvitationView[]; refresh: () => Promise<unknown> }) {
  const revoke = async ({ organisationId, invitationId }: InvitationView) => {
    await api.DELETE("/api/orgs/{organisationId}/invitations/{invitationId}", {
      params: { path: { organisationId, invitationId } },
    });
    await refresh();
  };
  return (
    <Rows label="Invitations">
      {items.map((row) => (
        <Row
          key={row.invitationId}
          title={
            <Text size="sm" fw={500}>
              as {row.rank}
            </Text>
          }
          meta={
            <>
              <span>
                Ends <Ago at={row.expiresAt} />
              </span>
              <span>
                Made <Ago at={row.createdAt} /> by <Maker by={row.createdBy} />
              </span>
            </>
          }
          actions={
            <Confirm
              size="compact-xs"
              variant="subtle"
              aria-label={`Take the invitation as ${row.rank} back`}
              title="Take the invitation back?"
              text="Its link makes nobody a member any more."
              act={() => revoke(row)}
            >
              Take back
            </Confirm>
          }
        />
      ))}
    </Rows>
  );
}

interface InviteProps {
  organisationId: string;
  ranks: readonly Rank[];
  made: () => unknown;
  close: () => void;
}

function Invite({ organisationId, ranks, made, close }: InviteProps) {
  const [rank, setRank] = useState<Rank>("member");
  const [lifetime, setLifetime] = useState("604800");
  const invitation = useMutation({
    mutationFn: () =>
      answer(
        api.POST("/api/orgs/{organisationId}/invitations", {
          params: { path: { organisationId } },
          body: { rank, lifetime: Number(lifetime) },
        }),
      ),
    onSuccess: made,
  });
  if (invitation.data) return <Invitation made={invitation.data} close={close} />;
  return (
    <FormDialog
      title="Invite somebody"
      action="Make the invitation"
      busy={invitation.isPending}
      error={invitation.error}
      fields={[]}
      onSubmit={invitation.mutate}
      onClose={close}
    >
      <NativeSelect
        label="As"
        data={RANKS.filter((offered) => ranks.includes(offered.rank)).map(({ rank: value, text }) => ({
          value,
          label: `${value}: ${text.toLowerCase()}`,
        }))}
        value={rank}
        onChange={(event) => setRank(ranks.find((offered) => offered === event.currentTarget.value) ?? rank)}
        data-autofocus
      />
      <NativeSelect
        label="Good for"
        data={LIFETIMES}
        value={lifetime}
        onChange={(event) => setLifetime(event.currentTarget.value)}
      />
    </FormDialog>
  );
}

function Invitation({ made, close }: { made: NewInvitationView; close: () => void }) {
  return (
    <Modal opened onClose={close} title="The invitation was made" closeOnClickOutside={false}>
      <Stack gap="md">
        <Text size="sm">Send this link to one person. Whoever opens it first and is signed in becomes {made.rank}.</Text>
        <Reveal label="Link" value={invitationLink(made.token)} file="hostel-invitation.txt" />
        <Reveal label="Token, for who cannot open the link" value={made.token} file="hostel-invitation-token.txt" />
        <Group justify="flex-end">
          <Button variant="default" onClick={close}>
            Done
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
