import { Anchor, Button, Group, Stack, Text } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "wouter";
import { answer, everything } from "#/api/client";
import { api } from "#/api/identity";
import type { Me } from "#/api/schema";
import { Confirm } from "#/ui/confirm";
import { Reveal } from "#/ui/copy";
import { complain } from "#/ui/notify";
import { Row, Rows } from "#/ui/rows";
import { Shown } from "#/ui/states";
import { Ago, Countdown } from "#/ui/time";

const KEY = ["devices"] as const;
const LIMIT = 100;

/** A link that signs another device in: people make their own, workspaces and administrators have other ways. */
export function Devices({ me }: { me: Me }) {
  if (me.role === "person") return <Links />;
  if (me.workspaceId !== null)
    return (
      <Text size="sm">
        A link that signs in to the workspace is made in{" "}
        <Anchor component={Link} href={`/w/${me.workspaceId}/settings`} inherit underline="always">
          its settings
        </Anchor>
        .
      </Text>
    );
  return (
    <Text size="sm">
      A link that signs an administrator in is made on the host: <code>hostelctl invite --admin --url</code>
    </Text>
  );
}

function Links() {
  const queries = useQueryClient();
  const query = useQuery({
    queryKey: KEY,
    queryFn: () =>
      everything((cursor) =>
        answer(api.GET("/api/auth/handover", { params: { query: { limit: LIMIT, ...(cursor && { cursor }) } } })),
      ),
  });
  const refresh = () => queries.invalidateQueries({ queryKey: KEY });
  const create = useMutation({
    mutationFn: () => answer(api.POST("/api/auth/handover", { body: { lifetime: 300 } })),
    onSuccess: refresh,
    onError: (error) => complain(error),
  });
  const made = create.data;
  const revoke = async (invitationId: string) => {
    await api.DELETE("/api/auth/handover/{invitationId}", { params: { path: { invitationId } } });
    if (made?.handoverId === invitationId) create.reset();
    await refresh();
  };
  return (
    <Stack gap="sm" align="stretch">
      {made && (
        <>
          <Reveal label="Open this link on the other device" value={made.url} file="hostel-link.txt" />
          <Text size="sm" c="dimmed">
            It is good once, for <Countdown at={made.expiresAt} />. Whoever opens it is signed in as you.
          </Text>
        </>
      )}
      <Shown query={query}>
        {(items) =>
          items.length > 0 && (
            <Rows label="Links that were not used yet">
              {items.map((item) => (
                <Row
                  key={item.handoverId}
                  title={
                    <span>
                      Made <Ago at={item.createdAt} />
                    </span>
                  }
                  meta={
                    <span>
                      Ends in <Countdown at={item.expiresAt} />
                    </span>
                  }
                  actions={
                    <Confirm
                      size="compact-sm"
                      title="Take the link back?"
                      text="It opens nothing any more. A device that has used it stays signed in."
                      act={() => revoke(item.handoverId)}
                    >
                      Take back
                    </Confirm>
                  }
                />
              ))}
            </Rows>
          )
        }
      </Shown>
      <Group>
        <Button size="xs" variant="default" loading={create.isPending} onClick={() => create.mutate()}>
          New link
        </Button>
      </Group>
    </Stack>
  );
}
