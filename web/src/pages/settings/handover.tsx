import { Button, Group, NativeSelect, Radio, Stack, Text, TextInput } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { answer, everything } from "#/api/client";
import type { HandoverView, NewHandover, NewHandoverView } from "#/api/schema";
import { Maker } from "#/names/called";
import { roomKey } from "#/room/key";
import { useRoom } from "#/room/room";
import { Confirm } from "#/ui/confirm";
import { Reveal } from "#/ui/copy";
import { FormDialog, fieldError } from "#/ui/form";
import { Row, Rows } from "#/ui/rows";
import { Shown } from "#/ui/states";
import { Ago, Countdown } from "#/ui/time";

const LIMIT = 100;
/** Seconds for which a link is good. */
const LIFETIMES = [
  { value: "300", label: "5 minutes" },
  { value: "60", label: "1 minute" },
  { value: "900", label: "15 minutes" },
];
const RANKS = ["member", "viewer", "admin"] as const;
const WHAT = { key: "A new key", signin: "A sign-in as the workspace" };

/** Links that hand a key, or a sign-in as the workspace, to somebody: made, shown once, taken back. */
export function Handovers() {
  const { workspaceId, api, may } = useRoom();
  const queries = useQueryClient();
  const queryKey = roomKey(workspaceId, "handover");
  const [open, setOpen] = useState(false);
  const [made, setMade] = useState<NewHandoverView | null>(null);
  const query = useQuery({
    queryKey,
    queryFn: () =>
      everything((cursor) =>
        answer(
          api.GET("/api/workspaces/{workspaceId}/handover", {
            params: { path: { workspaceId }, query: { limit: LIMIT, ...(cursor && { cursor }) } },
          }),
        ),
      ),
    enabled: may("keys:read"),
  });
  const refresh = () => queries.invalidateQueries({ queryKey });
  const revoke = async (invitationId: string) => {
    await api.DELETE("/api/workspaces/{workspaceId}/handover/{invitationId}", {
      params: { path: { workspaceId, invitationId } },
    });
    if (made?.handoverId === invitationId) setMade(null);
    await refresh();
  };
  const done = (view: NewHandoverView) => {
    setMade(view);
    setOpen(false);
    void refresh();
  };
  return (
    <Stack gap="sm" align="stretch">
      {made && (
        <Reveal label={`${WHAT[made.kind]}, for whoever opens this link first`} value={made.url} file="hostel-link.txt" />
      )}
      {may("keys:read") && (
        <Shown query={query}>
          {(items) =>
            items.length > 0 && (
              <Rows label="Links that were not used yet">
                {items.map((view) => (
                  <Pending key={view.handoverId} view={view} revoke={may("handover") ? revoke : null} />
                ))}
              </Rows>
            )
          }
        </Shown>
      )}
      {may("handover") && (
        <Group>
          <Button size="xs" variant="default" onClick={() => setOpen(true)}>
            New link
          </Button>
        </Group>
      )}
      {open && <Create close={() => setOpen(false)} done={done} />}
    </Stack>
  );
}

function Pending({ view, revoke }: { view: HandoverView; revoke: ((id: string) => Promise<void>) | null }) {
  return (
    <Row
      title={<span>{WHAT[view.kind]}</span>}
      meta={
        <>
          <span>
            Ends in <Countdown at={view.expiresAt} />
          </span>
          <span>
            Made <Ago at={view.createdAt} /> by <Maker by={view.createdBy} />
          </span>
        </>
      }
      actions={
        revoke && (
          <Confirm
            size="compact-sm"
            title="Take the link back?"
            text="It opens nothing any more, and the key that it would have handed over is revoked."
            act={() => revoke(view.handoverId)}
          >
            Take back
          </Confirm>
        )
      }
    />
  );
}

function Create({ close, done }: { close: () => void; done: (made: NewHandoverView) => void }) {
  const { workspaceId, api } = useRoom();
  const [kind, setKind] = useState<NewHandover["kind"]>("signin");
  const [name, setName] = useState("");
  const [rank, setRank] = useState<(typeof RANKS)[number]>("member");
  const [lifetime, setLifetime] = useState("300");
  const deed = useMutation({
    mutationFn: (body: NewHandover) =>
      answer(api.POST("/api/workspaces/{workspaceId}/handover", { params: { path: { workspaceId } }, body })),
    onSuccess: done,
  });
  const submit = () => {
    const key = kind === "key" ? { rank, ...(name.trim() && { name: name.trim() }) } : {};
    deed.mutate({ kind, lifetime: Number(lifetime), name: null, rank: null, scopes: null, expiresAt: null, ...key });
  };
  return (
    <FormDialog
      title="Hand over by a link"
      action="Make the link"
      busy={deed.isPending}
      error={deed.error}
      fields={["/name"]}
      onSubmit={submit}
      onClose={close}
    >
      <Radio.Group label="What it hands over" value={kind} onChange={(value) => setKind(value === "key" ? "key" : "signin")}>
        <Stack gap="xs" mt="xs">
          <Radio value="signin" label={WHAT.signin} description="Whoever opens the link may do all that the workspace may." />
          <Radio value="key" label={WHAT.key} description="For a program, with only the rights that you choose." />
        </Stack>
      </Radio.Group>
      {kind === "key" && (
        <>
          <TextInput
            label="Name of the key"
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            error={fieldError(deed.error, "/name")}
            maxLength={100}
            autoComplete="off"
          />
          <NativeSelect
            label="Rank"
            description="A viewer reads, a member also works in the room, an admin also manages the workspace."
            value={rank}
            onChange={(event) => setRank(RANKS.find((found) => found === event.currentTarget.value) ?? "member")}
            data={RANKS.map((found) => found)}
          />
        </>
      )}
      <NativeSelect
        label="Good for"
        value={lifetime}
        onChange={(event) => setLifetime(event.currentTarget.value)}
        data={LIFETIMES}
      />
      <Text size="xs" c="dimmed">
        The link is good once. Send it by a way that only the other one reads.
      </Text>
    </FormDialog>
  );
}
