import { Badge, NativeSelect, Stack, Text } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useLocation } from "wouter";
import { answer, everything } from "#/api/client";
import { api, meQuery } from "#/api/identity";
import type { MemberView, Rank } from "#/api/schema";
import { Confirm } from "#/ui/confirm";
import { complain } from "#/ui/notify";
import { Row, Rows } from "#/ui/rows";
import { EmptyState, Shown } from "#/ui/states";
import { Ago } from "#/ui/time";
import { ORGANISATIONS, organisationKey, RANKS, ranksBelow, type SectionProps, type Standing } from "./data";
import { Invitations } from "./invitations";

/** Who is in an organisation, and who is invited to it. */
export function Members({ seen, standing }: SectionProps) {
  const { organisationId } = seen.view;
  const query = useQuery({
    queryKey: organisationKey(organisationId, "members"),
    queryFn: () =>
      everything((cursor) =>
        answer(
          api.GET("/api/orgs/{organisationId}/members", {
            params: { path: { organisationId }, query: { limit: 100, ...(cursor && { cursor }) } },
          }),
        ),
      ),
  });
  return (
    <Stack gap="lg">
      <Shown query={query} label="Looking for members">
        {(members) =>
          members.length > 0 ? (
            <Rows label="Members">
              {members.map((member) => (
                <Member key={member.personId} member={member} organisationId={organisationId} standing={standing} />
              ))}
            </Rows>
          ) : (
            <EmptyState title="No member yet">Invite an owner, who then invites the others.</EmptyState>
          )
        }
      </Shown>
      {standing.manages && <Invitations organisationId={organisationId} ranks={ranksBelow(standing)} />}
    </Stack>
  );
}

function Member({ member, organisationId, standing }: { member: MemberView; organisationId: string; standing: Standing }) {
  const self = member.personId === standing.personId;
  const ranks = ranksBelow(standing);
  const touched = ranks.includes(member.rank);
  return (
    <Row
      title={
        <>
          <Text size="sm" fw={500} truncate>
            {member.name || member.personId}
          </Text>
          {self && (
            <Badge size="sm" variant="default" tt="none">
              you
            </Badge>
          )}
        </>
      }
      meta={
        <>
          {member.email && <span>{member.email}</span>}
          <span>
            Joined <Ago at={member.joinedAt} />
          </span>
        </>
      }
      actions={
        <>
          {touched ? (
            <RankOf member={member} organisationId={organisationId} ranks={ranks} />
          ) : (
            <Badge variant="light" tt="none">
              {member.rank}
            </Badge>
          )}
          {(self || touched) && <Remove member={member} organisationId={organisationId} self={self} />}
        </>
      }
    />
  );
}

function RankOf({ member, organisationId, ranks }: { member: MemberView; organisationId: string; ranks: readonly Rank[] }) {
  const queries = useQueryClient();
  const { personId, name } = member;
  const change = useMutation({
    mutationFn: (rank: Rank) =>
      answer(
        api.PATCH("/api/orgs/{organisationId}/members/{personId}", {
          params: { path: { organisationId, personId } },
          body: { rank },
        }),
      ),
    onError: (error) => complain(error, "The rank was not changed"),
    // One's own rank decides what the page offers.
    onSettled: () =>
      Promise.all([
        queries.invalidateQueries({ queryKey: organisationKey(organisationId) }),
        queries.invalidateQueries({ queryKey: meQuery.queryKey }),
      ]),
  });
  return (
    <NativeSelect
      aria-label={`Rank of ${name || personId}`}
      size="xs"
      w={120}
      data={[...ranks]}
      value={change.isPending ? change.variables : member.rank}
      disabled={change.isPending}
      onChange={(event) => {
        const chosen = RANKS.find(({ rank }) => rank === event.currentTarget.value);
        if (chosen) change.mutate(chosen.rank);
      }}
    />
  );
}

function Remove({ member, organisationId, self }: { member: MemberView; organisationId: string; self: boolean }) {
  const queries = useQueryClient();
  const [, go] = useLocation();
  const { personId, name } = member;
  const act = async () => {
    await api.DELETE("/api/orgs/{organisationId}/members/{personId}", { params: { path: { organisationId, personId } } });
    if (!self) return queries.invalidateQueries({ queryKey: organisationKey(organisationId, "members") });
    await queries.invalidateQueries({ queryKey: meQuery.queryKey });
    await queries.invalidateQueries({ queryKey: ORGANISATIONS });
    go("/orgs");
  };
  return (
    <Confirm
      size="compact-xs"
      variant="subtle"
      aria-label={self ? "Leave the organisation" : `Remove ${name || personId}`}
      title={self ? "Leave the organisation?" : `Remove ${name || personId}?`}
      text={
        self
          ? "You lose its workspaces at once, and what you have open there is closed. Somebody has to invite you to come back."
          : "They lose its workspaces at once, what they have open there is closed, and the invitations that they have made are void. Keys that they have made stay good; the lists of keys tell who made which."
      }
      act={act}
    >
      {self ? "Leave" : "Remove"}
    </Confirm>
  );
}
