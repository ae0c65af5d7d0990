import { Badge, Button, Code, Group, Text } from "@mantine/core";
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { sentence } from "#/api/problem";
import type { DeliveryView } from "#/api/schema";
import { Copy } from "#/ui/copy";
import { plural } from "#/ui/format";
import { complain } from "#/ui/notify";
import { Row, Rows } from "#/ui/rows";
import { EmptyState, Shown } from "#/ui/states";
import { Ago } from "#/ui/time";
import type { Webhooks } from "./place";

const COLOURS: Readonly<Record<DeliveryView["status"], string>> = { pending: "blue", delivered: "teal", failed: "red" };
/** Milliseconds until it is asked again, while something waits to be delivered: nothing tells of it. */
const REFRESH = 2_000;

interface Props {
  webhooks: Webhooks;
  webhookId: string;
  /** Whether the person may send something. */
  writes: boolean;
}

/** What was told to a webhook, newest first, and how each went. */
export function Deliveries({ webhooks, webhookId, writes }: Props) {
  const queries = useQueryClient();
  const key = [...webhooks.key, webhookId, "deliveries"];
  const query = useInfiniteQuery({
    queryKey: key,
    initialPageParam: "",
    queryFn: ({ pageParam }) => webhooks.deliveries(webhookId, pageParam),
    getNextPageParam: ({ nextCursor }) => nextCursor,
    refetchInterval: ({ state }) =>
      state.data?.pages.some(({ items }) => items.some(({ status }) => status === "pending")) ? REFRESH : false,
  });
  const send = useMutation({
    mutationFn: (deliveryId: string | null) =>
      deliveryId === null ? webhooks.test(webhookId) : webhooks.retry(webhookId, deliveryId),
    onSuccess: () => queries.invalidateQueries({ queryKey: key }),
    onError: (error) => complain(error),
  });
  const test = writes && (
    <Button size="xs" variant="default" loading={send.isPending && send.variables === null} onClick={() => send.mutate(null)}>
      Send a test
    </Button>
  );
  return (
    <Shown query={query} label="Looking for deliveries">
      {({ pages }) => {
        const items = pages.flatMap((page) => page.items);
        if (items.length === 0) {
          return (
            <EmptyState title="Nothing was delivered yet" action={test}>
              The first delivery comes with the first event. A test shows at once whether the receiver answers.
            </EmptyState>
          );
        }
        return (
          <>
            <Group mb="sm">{test}</Group>
            <Rows label="Deliveries">
              {items.map((delivery) => (
                <DeliveryRow
                  key={delivery.deliveryId}
                  delivery={delivery}
                  busy={send.isPending && send.variables === delivery.deliveryId}
                  onRetry={writes ? () => send.mutate(delivery.deliveryId) : undefined}
                />
              ))}
            </Rows>
            {query.hasNextPage && (
              <Button
                mt="sm"
                size="xs"
                variant="default"
                loading={query.isFetchingNextPage}
                onClick={() => query.fetchNextPage()}
              >
                Show older deliveries
              </Button>
            )}
          </>
        );
      }}
    </Shown>
  );
}

interface RowProps {
  delivery: DeliveryView;
  busy: boolean;
  /** Undefined for who may not. */
  onRetry: (() => void) | undefined;
}

function DeliveryRow({ delivery, busy, onRetry }: RowProps) {
  const { deliveryId, event, status, attempts, responseStatus, nextAttemptAt, error, createdAt } = delivery;
  return (
    <Row
      title={
        <>
          <Badge size="sm" variant="light" color={COLOURS[status]} style={{ flex: "none" }}>
            {status}
          </Badge>
          <Text size="sm" fw={500} truncate>
            {event}
          </Text>
        </>
      }
      meta={
        <>
          <span>
            <Ago at={createdAt} />
          </span>
          <span>{plural(attempts, "attempt")}</span>
          {responseStatus !== null && <span>Answered {responseStatus}</span>}
          {nextAttemptAt && (
            <span>
              Next try <Ago at={nextAttemptAt} />
            </span>
          )}
          {error && (
            <Text span inherit c="var(--mantine-color-error)" lineClamp={1}>
              {sentence(error)}
            </Text>
          )}
          <Group gap={2} wrap="nowrap">
            <Code>{deliveryId.slice(0, 10)}…</Code>
            <Copy value={deliveryId} label="the delivery's id" />
          </Group>
        </>
      }
      actions={
        status !== "pending" &&
        onRetry && (
          <Button size="xs" variant="default" loading={busy} onClick={onRetry}>
            Send again
          </Button>
        )
      }
    />
  );
}
