import { Badge, Button, Stack } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";
import { useLocation } from "wouter";
import { answer } from "#/api/client";
import { api } from "#/api/identity";
import { forgetRooms } from "#/api/rooms";
import type { BrowserSessionView } from "#/api/schema";
import { Confirm } from "#/ui/confirm";
import { complain } from "#/ui/notify";
import { Row, Rows } from "#/ui/rows";
import { EmptyState, Shown } from "#/ui/states";
import { Ago, Countdown } from "#/ui/time";
import { agentName } from "./agent";

const KEY = ["browsers"] as const;

/** The browsers that are signed in as the same: seen, and signed out. */
export function Browsers() {
  const queries = useQueryClient();
  const [, go] = useLocation();
  const query = useQuery({ queryKey: KEY, queryFn: () => answer(api.GET("/api/auth/sessions")) });
  const left = useCallback(() => {
    forgetRooms();
    queries.clear();
    go("/signin");
  }, [queries, go]);
  const everywhere = async () => {
    await api.DELETE("/api/auth/sessions");
    left();
  };
  return (
    <Stack gap="sm" align="stretch">
      <Shown query={query}>
        {({ items }) =>
          items.length > 0 ? (
            <Rows label="Browsers">
              {items.map((item) => (
                <Browser key={item.id} item={item} left={left} />
              ))}
            </Rows>
          ) : (
            <EmptyState title="No browser is signed in" />
          )
        }
      </Shown>
      <div>
        <Confirm
          title="Sign out everywhere?"
          text="Every browser, device and token of yours is signed out, this one too, and links that wait open nothing. Keys stay."
          act={everywhere}
        >
          Sign out everywhere
        </Confirm>
      </div>
    </Stack>
  );
}

function Browser({ item, left }: { item: BrowserSessionView; left: () => void }) {
  const queries = useQueryClient();
  const end = useMutation({
    mutationFn: () => api.DELETE("/api/auth/sessions/{browserSessionId}", { params: { path: { browserSessionId: item.id } } }),
    onSuccess: () => (item.current ? left() : queries.invalidateQueries({ queryKey: KEY })),
    onError: (error) => complain(error),
  });
  const name = agentName(item.agent);
  return (
    <Row
      title={
        <>
          <span title={item.agent}>{name}</span>
          {item.current && (
            <Badge variant="light" tt="none" color="teal">
              This one
            </Badge>
          )}
        </>
      }
      meta={
        <>
          {item.name && <span>{item.name}</span>}
          <span>{item.address}</span>
          <span>
            Signed in <Ago at={item.createdAt} />
          </span>
          <span>
            Used <Ago at={item.lastUsedAt} />
          </span>
          <span>
            Ends in <Countdown at={item.expiresAt} />
          </span>
        </>
      }
      actions={
        <Button
          size="compact-sm"
          variant="default"
          loading={end.isPending}
          onClick={() => end.mutate()}
          aria-label={`Sign out ${item.current ? "this browser" : `${name} at ${item.address}`}`}
        >
          Sign out
        </Button>
      }
    />
  );
}
