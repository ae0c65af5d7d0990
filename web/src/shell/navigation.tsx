import { Box, NavLink, Text } from "@mantine/core";
import {
  IconBuilding,
  IconCalendarTime,
  IconChartBar,
  IconFileText,
  IconKey,
  IconLayoutGrid,
  IconListCheck,
  IconLock,
  IconMessages,
  IconServer,
  IconSettings,
  IconShieldCheck,
  IconTerminal2,
  IconWebhook,
} from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { Link, useLocation } from "wouter";
import { answer } from "#/api/client";
import { api, may } from "#/api/identity";
import type { Me } from "#/api/schema";
import { roomKey } from "#/room/key";
import { type Command, useCommands } from "./commands";

interface Entry {
  label: string;
  href: string;
  icon: typeof IconKey;
  /** Whether pages below it are of it too. */
  deep?: boolean;
}

function general(me: Me): Entry[] {
  return [
    ...(me.role === "workspace" ? [] : [{ label: "Workspaces", href: "/", icon: IconLayoutGrid }]),
    ...(may(me, "organisations:read") ? [{ label: "Organisations", href: "/orgs", icon: IconBuilding, deep: true }] : []),
    ...(may(me, "server:read") ? [{ label: "Administration", href: "/admin", icon: IconServer, deep: true }] : []),
  ];
}

function inside(workspaceId: string): Entry[] {
  const at = `/w/${workspaceId}`;
  return [
    { label: "Sessions", href: at, icon: IconTerminal2 },
    { label: "Transcripts", href: `${at}/transcripts`, icon: IconFileText, deep: true },
    { label: "Tasks", href: `${at}/tasks`, icon: IconListCheck, deep: true },
    { label: "Schedules", href: `${at}/schedules`, icon: IconCalendarTime, deep: true },
    { label: "Channels", href: `${at}/channels`, icon: IconMessages, deep: true },
    { label: "Usage and limits", href: `${at}/usage`, icon: IconChartBar },
    { label: "Keys", href: `${at}/keys`, icon: IconKey },
    { label: "Secrets", href: `${at}/secrets`, icon: IconLock },
    { label: "Webhooks", href: `${at}/webhooks`, icon: IconWebhook, deep: true },
    { label: "Audit", href: `${at}/audit`, icon: IconShieldCheck },
    { label: "Settings", href: `${at}/settings`, icon: IconSettings },
  ];
}

/** The pages that there are, those of the open workspace below it. All are commands of the palette too. */
export function Navigation({ me }: { me: Me }) {
  const [path, go] = useLocation();
  const workspaceId = /^\/w\/(w[0-9a-f]{24})(?:\/|$)/.exec(path)?.[1];
  const top = useMemo(() => general(me), [me]);
  const below = useMemo(() => (workspaceId ? inside(workspaceId) : []), [workspaceId]);
  const offered = useMemo<Command[]>(
    () => [...below, ...top].map(({ label, href }) => ({ id: `go ${href}`, label, group: "Go to", run: () => go(href) })),
    [top, below, go],
  );
  useCommands(offered);
  return (
    <Box className="navigation">
      {top.map((entry) => (
        <Item key={entry.href} entry={entry} path={path} />
      ))}
      {workspaceId && (
        <>
          <WorkspaceName workspaceId={workspaceId} />
          {below.map((entry) => (
            <Item key={entry.href} entry={entry} path={path} sessions={entry.label === "Sessions"} />
          ))}
        </>
      )}
    </Box>
  );
}

function WorkspaceName({ workspaceId }: { workspaceId: string }) {
  const { data } = useQuery({
    queryKey: roomKey(workspaceId, "name"),
    queryFn: () => answer(api.GET("/api/workspaces/{workspaceId}", { params: { path: { workspaceId } } })),
    select: ({ name }) => name,
  });
  return (
    <Text size="sm" fw={600} px="sm" pt="sm" pb={4} truncate title={workspaceId}>
      {data ?? `${workspaceId.slice(0, 9)}…`}
    </Text>
  );
}

function Item({ entry, path, sessions = false }: { entry: Entry; path: string; sessions?: boolean }) {
  const { label, href, icon: Icon, deep } = entry;
  const active = path === href || (deep === true && path.startsWith(`${href}/`)) || (sessions && path.startsWith(`${href}/s/`));
  return (
    <NavLink
      component={Link}
      href={href}
      label={label}
      active={active}
      {...(active && { "aria-current": "page" as const })}
      leftSection={<Icon size={16} aria-hidden />}
      py={5}
    />
  );
}
