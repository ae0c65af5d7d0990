import { Button, Group, Loader, Stack, Text } from "@mantine/core";
import { IconCircleCheck, IconCircleX } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { type Api, answer } from "#/api/client";
import type { ProvisionerView, RevealedView, Status } from "#/api/schema";
import { roomKey } from "#/room/key";
import { Copy } from "#/ui/copy";
import { complain } from "#/ui/notify";
import { Row, Rows } from "#/ui/rows";
import { Shown } from "#/ui/states";
import { Ago, left, useNow } from "#/ui/time";
import styles from "./section.module.css";

/** Milliseconds between two looks, while something is being made. */
const SOON = 1500;
const LINUX = "linux";
const TITLES: Readonly<Record<string, string>> = { [LINUX]: "Linux user", gitea: "Gitea", coolify: "Coolify" };

interface Props {
  api: Api;
  workspaceId: string;
  /** Whether the person may try again what has failed. */
  writes: boolean;
  /** Whether the person may see the credentials of a part. */
  reveals: boolean;
}

/** What a workspace is made of, and how far each part is: its Linux user, and what other servers make for it. */
export function Parts({ api, workspaceId, writes, reveals }: Props) {
  const queries = useQueryClient();
  const [revealed, setRevealed] = useState<RevealedView | null>(null);
  const path = { workspaceId };
  const query = useQuery({
    queryKey: roomKey(workspaceId, "provisioners"),
    queryFn: () => answer(api.GET("/api/workspaces/{workspaceId}/provisioners", { params: { path } })),
    refetchInterval: ({ state }) => (state.data?.items.some(({ status }) => moving(status)) ? SOON : false),
  });
  const retry = useMutation({
    mutationFn: (provisionerName: string) =>
      answer(
        api.POST("/api/workspaces/{workspaceId}/provisioners/{provisionerName}/retry", {
          params: { path: { ...path, provisionerName } },
        }),
      ),
    onSuccess: () => queries.invalidateQueries({ queryKey: roomKey(workspaceId) }),
    onError: (error) => complain(error),
  });
  const reveal = useMutation({
    mutationFn: (provisionerName: string) =>
      answer(
        api.POST("/api/workspaces/{workspaceId}/provisioners/{provisionerName}/reveal", {
          params: { path: { ...path, provisionerName } },
        }),
      ),
    onSuccess: setRevealed,
    onError: (error) => complain(error),
  });
  return (
    <Shown query={query}>
      {({ items }) => (
        <Rows label="What the workspace is made of">
          {items.map((part) => (
            <Part key={part.name} part={part} revealed={revealed?.name === part.name ? revealed : null}>
              {writes && part.status === "error" && (
                <Button
                  size="compact-sm"
                  variant="default"
                  loading={retry.isPending && retry.variables === part.name}
                  onClick={() => retry.mutate(part.name)}
                  aria-label={`Retry ${title(part)}`}
                >
                  Retry
                </Button>
              )}
              {reveals && part.status === "ready" && part.name !== LINUX && (
                <Button
                  size="compact-sm"
                  variant="default"
                  loading={reveal.isPending && reveal.variables === part.name}
                  onClick={() => (revealed?.name === part.name ? setRevealed(null) : reveal.mutate(part.name))}
                >
                  {revealed?.name === part.name ? "Hide the credentials" : "Show the credentials"}
                </Button>
              )}
            </Part>
          ))}
        </Rows>
      )}
    </Shown>
  );
}

function Part({ part, revealed, children }: { part: ProvisionerView; revealed: RevealedView | null; children: ReactNode }) {
  const detail = Object.entries(part.detail);
  return (
    <Row
      title={
        <>
          <Sign status={part.status} />
          <Text size="sm" fw={500}>
            {title(part)}
          </Text>
        </>
      }
      meta={
        <Stack gap={4} w="100%">
          <Group gap="xs">
            <span>
              {WORDS[part.status]} <Ago at={part.updatedAt} />
            </span>
            {detail.map(([name, value]) => (
              <span key={name}>
                {name} <code>{value}</code>
              </span>
            ))}
          </Group>
          {part.errorReason && (
            <Text size="xs" c="var(--mantine-color-error)" role="alert">
              {part.errorReason}
            </Text>
          )}
          {part.nextAttemptAt && <NextAttempt number={(part.attempts ?? 0) + 1} at={part.nextAttemptAt} />}
          {revealed && Object.keys(revealed.secrets).length === 0 && <span>It has no credentials of its own.</span>}
          {revealed &&
            Object.entries(revealed.secrets).map(([name, value]) => (
              <Group key={name} gap={4} wrap="nowrap">
                {name} <code className={styles["value"]}>{value}</code>
                <Copy value={value} label={name} />
              </Group>
            ))}
        </Stack>
      }
      actions={children}
    />
  );
}

function NextAttempt({ number, at }: { number: number; at: string }) {
  const seconds = (Date.parse(at) - useNow()) / 1000;
  // One that is due is under way.
  return seconds > 0 && <span>{`Attempt ${number} in ${left(seconds)}`}</span>;
}

const WORDS: Readonly<Record<Status, string>> = {
  ready: "Made",
  pending: "Being made, last step",
  removing: "Being removed, last step",
  error: "Failed",
};

function Sign({ status }: { status: Status }) {
  if (status === "ready") return <IconCircleCheck size={18} color="var(--mantine-color-teal-7)" aria-label="Ready" />;
  if (status === "error") return <IconCircleX size={18} color="var(--mantine-color-error)" aria-label="Failed" />;
  return <Loader size={16} aria-label="In progress" />;
}

function moving(status: Status): boolean {
  return status === "pending" || status === "removing";
}

function title({ name }: ProvisionerView): string {
  return TITLES[name] ?? name;
}
