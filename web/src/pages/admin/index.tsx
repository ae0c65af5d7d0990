import { Button, Group } from "@mantine/core";
import type { ComponentType } from "react";
import { Link, Redirect, useLocation } from "wouter";
import { api, may } from "#/api/identity";
import type { Me, Scope } from "#/api/schema";
import { NamesProvider } from "#/names/names";
import { Page } from "#/ui/page";
import { EmptyState } from "#/ui/states";
import { HostAudit, HostKeys, HostWebhooks } from "./host";
import { Overview } from "./overview";
import { ServerKeys } from "./signing";
import { HostWorkspaces } from "./workspaces";

interface Part {
  path: string;
  label: string;
  scope: Scope;
  Content: ComponentType<{ me: Me }>;
}

const PARTS: readonly Part[] = [
  { path: "/admin", label: "Overview", scope: "server:read", Content: Overview },
  { path: "/admin/workspaces", label: "Workspaces", scope: "server:read", Content: HostWorkspaces },
  { path: "/admin/keys", label: "Keys", scope: "keys:read", Content: HostKeys },
  { path: "/admin/signing", label: "Server's own keys", scope: "server:write", Content: ServerKeys },
  { path: "/admin/audit", label: "Audit", scope: "server:read", Content: HostAudit },
  { path: "/admin/webhooks", label: "Webhooks", scope: "server:write", Content: HostWebhooks },
];

const HOST = { kind: "host" } as const;
const KEY = ["host"] as const;

/** The host, for its administrators. */
export default function Admin({ me }: { me: Me }) {
  const [path] = useLocation();
  if (!may(me, "server:read"))
    return (
      <Page title="Administration">
        <EmptyState title="This is for administrators of the host">You are signed in as somebody else.</EmptyState>
      </Page>
    );
  const parts = PARTS.filter(({ scope }) => may(me, scope));
  const part = parts.find((found) => found.path === path);
  if (part === undefined) return <Redirect to="/admin" replace />;
  return (
    <Page title="Administration" wide>
      <Group component="nav" aria-label="Administration" gap={4} mb="md">
        {parts.map(({ path: to, label }) => (
          <Button
            key={to}
            component={Link}
            href={to}
            size="compact-sm"
            variant={to === path ? "light" : "subtle"}
            color={to === path ? "blue" : "gray"}
            {...(to === path && { "aria-current": "page" as const })}
          >
            {label}
          </Button>
        ))}
        <Button component={Link} href="/orgs" size="compact-sm" variant="subtle" color="gray">
          Organisations
        </Button>
      </Group>
      <NamesProvider place={HOST} api={api} queryKey={KEY}>
        <part.Content me={me} />
      </NamesProvider>
    </Page>
  );
}
