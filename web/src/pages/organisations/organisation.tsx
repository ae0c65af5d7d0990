import { Badge, Group, Tabs, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type ComponentType, useMemo } from "react";
import { useSearchParams } from "wouter";
import { api } from "#/api/identity";
import type { Me } from "#/api/schema";
import { NamesProvider } from "#/names/names";
import { organisationAudit } from "#/pages/audit/source";
import { AuditTable } from "#/pages/audit/table";
import { organisationKeys } from "#/pages/keys/keyring";
import { KeysPanel } from "#/pages/keys/panel";
import { WebhooksPanel } from "#/pages/webhooks/panel";
import { type Command, useCommands } from "#/shell/commands";
import { Copy } from "#/ui/copy";
import { Page } from "#/ui/page";
import { Shown } from "#/ui/states";
import { organisationKey, organisationQuery, ownedQuery, type SectionProps, type SeenOrganisation, standing } from "./data";
import { Members } from "./members";
import { OrganisationSettings } from "./settings";
import { OwnedWorkspaces } from "./workspaces";

/** An organisation: its people, its workspaces, and what lets programs into them. */
export default function Organisation({ organisationId, me }: { organisationId: string; me: Me }) {
  const query = useQuery(organisationQuery(organisationId));
  const place = useMemo(() => ({ kind: "organisation" as const, organisationId }), [organisationId]);
  const queryKey = useMemo(() => organisationKey(organisationId), [organisationId]);
  return (
    <NamesProvider place={place} api={api} queryKey={queryKey}>
      <Shown query={query}>{(seen) => <Known seen={seen} me={me} />}</Shown>
    </NamesProvider>
  );
}

function Keys({ seen, standing: { manages } }: SectionProps) {
  const { organisationId } = seen.view;
  const keyring = useMemo(
    () => organisationKeys(api, organisationId, organisationKey(organisationId, "keys")),
    [organisationId],
  );
  const owned = useQuery(ownedQuery(organisationId));
  return <KeysPanel keyring={keyring} writes={manages} {...(owned.data && { workspaces: owned.data })} />;
}

function Audit({ seen }: SectionProps) {
  const { organisationId } = seen.view;
  const source = useMemo(
    () => organisationAudit(api, organisationId, organisationKey(organisationId, "audit")),
    [organisationId],
  );
  return <AuditTable source={source} />;
}

function Webhooks({ seen, standing: { manages } }: SectionProps) {
  const { organisationId } = seen.view;
  return <WebhooksPanel place={{ kind: "organisation", organisationId }} api={api} writes={manages} />;
}

interface Section {
  id: string;
  title: string;
  Content: ComponentType<SectionProps>;
  /** Whether it is for those who manage the organisation alone. */
  managed?: boolean;
}

const SECTIONS: readonly Section[] = [
  { id: "members", title: "Members", Content: Members },
  { id: "workspaces", title: "Workspaces", Content: OwnedWorkspaces },
  { id: "keys", title: "Keys", Content: Keys, managed: true },
  { id: "webhooks", title: "Webhooks", Content: Webhooks, managed: true },
  { id: "audit", title: "Audit", Content: Audit },
  { id: "settings", title: "Settings", Content: OrganisationSettings, managed: true },
];

function Known({ seen, me }: { seen: SeenOrganisation; me: Me }) {
  const { organisationId, name, slug, rank } = seen.view;
  const [search, setSearch] = useSearchParams();
  const stands = standing(me, seen.view);
  const { manages } = stands;
  const sections = useMemo(() => SECTIONS.filter(({ managed }) => manages || !managed), [manages]);
  const chosen = sections.find(({ id }) => id === search.get("tab")) ?? sections[0];
  const offered = useMemo<Command[]>(
    () =>
      sections.map(({ id, title }) => ({
        id: `organisation ${id}`,
        group: "Organisation",
        label: title,
        run: () => setSearch({ tab: id }, { replace: true }),
      })),
    [sections, setSearch],
  );
  useCommands(offered);
  return (
    <Page
      title={name}
      description={
        <Group gap={6}>
          <Text span inherit ff="monospace">
            {slug}
          </Text>
          <Copy value={organisationId} label="the organisation's id" />
          {rank && (
            <Badge size="sm" variant="light" tt="none">
              {rank}
            </Badge>
          )}
        </Group>
      }
    >
      <Tabs
        value={chosen?.id ?? null}
        onChange={(id) => setSearch(id === null ? {} : { tab: id }, { replace: true })}
        keepMounted={false}
      >
        <Tabs.List mb="md">
          {sections.map(({ id, title }) => (
            <Tabs.Tab key={id} value={id}>
              {title}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {sections.map(({ id, Content }) => (
          <Tabs.Panel key={id} value={id}>
            <Content seen={seen} standing={stands} />
          </Tabs.Panel>
        ))}
      </Tabs>
    </Page>
  );
}
