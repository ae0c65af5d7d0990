import { Badge, Button, Switch, Text } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link } from "wouter";
import { newKey } from "#/api/client";
import type { WebhookView } from "#/api/schema";
import { Confirm } from "#/ui/confirm";
import { complain } from "#/ui/notify";
import { Row } from "#/ui/rows";
import { Ago } from "#/ui/time";
import { type Place, pathOf, type Webhooks } from "./place";

interface Props {
  webhook: WebhookView;
  webhooks: Webhooks;
  place: Place;
  writes: boolean;
  onEdit: () => void;
  onSecret: (secret: string) => void;
}

/** A webhook: where it leads, what it is told, and what can be done with it. */
export function WebhookRow({ webhook, webhooks, place, writes, onEdit, onSecret }: Props) {
  return (
    <Row
      title={
        <>
          <Toggle webhook={webhook} webhooks={webhooks} writes={writes} />
          <Text size="sm" fw={500} truncate>
            {webhook.url}
          </Text>
          {!webhook.enabled && (
            <Badge size="sm" color="gray" variant="light">
              off
            </Badge>
          )}
        </>
      }
      meta={
        <>
          <span>{webhook.events.includes("*") ? "All events" : webhook.events.join(", ")}</span>
          <span>
            Made <Ago at={webhook.createdAt} />
          </span>
        </>
      }
      actions={
        <>
          <Button component={Link} href={pathOf(place, webhook.webhookId)} size="xs" variant="default">
            Deliveries
          </Button>
          {writes && <Actions {...{ webhook, webhooks, onEdit, onSecret }} />}
        </>
      }
    />
  );
}

function Toggle({ webhook, webhooks, writes }: Pick<Props, "webhook" | "webhooks" | "writes">) {
  const queries = useQueryClient();
  const put = (changed: WebhookView) =>
    queries.setQueryData<WebhookView[]>(webhooks.key, (known) =>
      known?.map((item) => (item.webhookId === changed.webhookId ? changed : item)),
    );
  const change = useMutation({
    mutationFn: (enabled: boolean) => webhooks.change(webhook.webhookId, { enabled }),
    onMutate: async (enabled) => {
      await queries.cancelQueries({ queryKey: webhooks.key, exact: true });
      put({ ...webhook, enabled });
      return webhook;
    },
    onSuccess: put,
    onError: (error, _, before) => {
      if (before) put(before);
      complain(error);
    },
  });
  return (
    <Switch
      size="xs"
      aria-label={`Deliver to ${webhook.url}`}
      checked={webhook.enabled}
      disabled={!writes || change.isPending}
      onChange={(event) => change.mutate(event.currentTarget.checked)}
    />
  );
}

function Actions({ webhook, webhooks, onEdit, onSecret }: Pick<Props, "webhook" | "webhooks" | "onEdit" | "onSecret">) {
  const queries = useQueryClient();
  const { webhookId } = webhook;
  const remove = async () => {
    await webhooks.remove(webhookId);
    await queries.invalidateQueries({ queryKey: webhooks.key });
  };
  return (
    <>
      <Button size="xs" variant="default" onClick={onEdit}>
        Change
      </Button>
      <Confirm
        title="Replace the secret?"
        text="You get a new one. For a day deliveries are signed with both, so that the receiver can be changed meanwhile."
        act={async () => onSecret(await webhooks.rotate(webhookId, newKey()))}
        color="blue"
        variant="default"
      >
        Replace secret
      </Confirm>
      <Confirm
        title="Delete this webhook?"
        text="Nothing more is delivered, and the list of deliveries goes with it."
        act={remove}
      >
        Delete
      </Confirm>
    </>
  );
}
