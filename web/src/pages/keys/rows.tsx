import { Badge, Button, Text, Tooltip } from "@mantine/core";
import type { ReactNode } from "react";
import type { KeyView } from "#/api/schema";
import { CalledText, Maker } from "#/names/called";
import { Confirm } from "#/ui/confirm";
import { Copy } from "#/ui/copy";
import { plural } from "#/ui/format";
import { Row, Rows } from "#/ui/rows";
import { Ago } from "#/ui/time";

/** What is done with a key of the list; null where the person may not. */
export interface Deeds {
  edit: (key: KeyView) => void;
  rotate: (key: KeyView) => void;
  revoke: (key: KeyView) => Promise<unknown>;
}

const COLOURS: Readonly<Record<KeyView["status"], string>> = { live: "teal", expired: "gray", revoked: "red" };

/** Keys, one a row. */
export function KeyRows({ keys, deeds }: { keys: readonly KeyView[]; deeds: Deeds | null }) {
  return (
    <Rows label="Keys">
      {keys.map((view) => (
        <Row
          key={view.keyId}
          title={<Name view={view} />}
          meta={<Facts view={view} replaced={keys.find((other) => other.keyId === view.replaces)} />}
          actions={deeds && view.status === "live" && <RowDeeds view={view} deeds={deeds} />}
        />
      ))}
    </Rows>
  );
}

function Name({ view }: { view: KeyView }) {
  return (
    <>
      <Text size="sm" fw={500} lineClamp={1}>
        {view.name}
      </Text>
      <Rights view={view} />
      {view.status !== "live" && (
        <Badge size="sm" variant="light" tt="none" color={COLOURS[view.status]}>
          {view.status}
        </Badge>
      )}
    </>
  );
}

/** The rank that it was made with, and all that it may do for who points at it. */
function Rights({ view }: { view: KeyView }) {
  return (
    <Told label={view.scopes.join(", ")}>
      <Badge size="sm" variant="default" tt="none" tabIndex={0}>
        {view.rank ?? plural(view.scopes.length, "right")}
      </Badge>
    </Told>
  );
}

function Facts({ view, replaced }: { view: KeyView; replaced: KeyView | undefined }) {
  return (
    <>
      <span>
        <code>{view.prefix}…</code> <Copy value={view.keyId} label={`the id of key ${view.name}`} />
      </span>
      {view.replaces && (
        <span>
          Replaces <code>{replaced ? `${replaced.prefix}…` : view.replaces}</code>
        </span>
      )}
      {view.workspaces && <Bound to={view.workspaces} />}
      <span className="numbers">
        {view.lastUsedAt ? (
          <>
            {plural(view.uses, "request")}, the last <Ago at={view.lastUsedAt} />
          </>
        ) : (
          "Not used yet"
        )}
      </span>
      <span>
        <End view={view} />
      </span>
      <span>
        Made <Ago at={view.createdAt} /> by <Maker by={view.createdBy} />
      </span>
    </>
  );
}

/** When it is good no more. */
function End({ view: { revokedAt, expiresAt, status } }: { view: KeyView }) {
  if (revokedAt)
    return (
      <>
        Revoked <Ago at={revokedAt} />
      </>
    );
  if (!expiresAt) return "Never expires";
  return (
    <>
      {status === "expired" ? "Expired" : "Expires"} <Ago at={expiresAt} />
    </>
  );
}

/** The workspaces of an organisation to which it is bound, by their names for who points at it. */
function Bound({ to }: { to: readonly string[] }) {
  return (
    <Told
      label={to.map((id) => (
        <div key={id} title={id}>
          <CalledText id={id} />
        </div>
      ))}
    >
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: the tooltip is for the keyboard too */}
      <span tabIndex={0}>In {plural(to.length, "workspace")} only</span>
    </Told>
  );
}

/** What is told of something to who points at it, touches it, or comes to it by the keyboard. */
function Told({ label, children }: { label: ReactNode; children: ReactNode }) {
  return (
    <Tooltip label={label} multiline maw={360} events={{ hover: true, focus: true, touch: true }}>
      {children}
    </Tooltip>
  );
}

function RowDeeds({ view, deeds }: { view: KeyView; deeds: Deeds }) {
  const name = view.name;
  return (
    <>
      <Button size="xs" variant="default" aria-label={`Edit ${name}`} onClick={() => deeds.edit(view)}>
        Edit
      </Button>
      <Button size="xs" variant="default" aria-label={`Rotate ${name}`} onClick={() => deeds.rotate(view)}>
        Rotate
      </Button>
      <Confirm
        aria-label={`Revoke ${name}`}
        title={`Revoke “${name}”?`}
        text="It is good no more, at once: whoever uses it is shut out, and its open connections are closed. It cannot be taken back."
        act={() => deeds.revoke(view)}
      >
        Revoke
      </Confirm>
    </>
  );
}
