import { api, may } from "#/api/identity";
import type { Me } from "#/api/schema";
import { hostAudit } from "#/pages/audit/source";
import { AuditTable } from "#/pages/audit/table";
import { hostKeys } from "#/pages/keys/keyring";
import { KeysPanel } from "#/pages/keys/panel";
import { WebhooksPanel } from "#/pages/webhooks/panel";

const KEYRING = hostKeys(api);
const AUDIT = hostAudit(api);
const PLACE = { kind: "host" } as const;

/** The host's keys: each is an administrator. */
export function HostKeys({ me }: { me: Me }) {
  return <KeysPanel keyring={KEYRING} writes={may(me, "keys:write")} />;
}

/** What was done on the whole server. */
export function HostAudit() {
  return <AuditTable source={AUDIT} />;
}

/** Who is told what happens on the host. */
export function HostWebhooks({ me }: { me: Me }) {
  return <WebhooksPanel place={PLACE} api={api} writes={may(me, "server:write")} />;
}
