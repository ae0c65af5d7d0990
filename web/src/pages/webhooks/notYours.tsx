import { EmptyState } from "#/ui/states";

/** For those who may not see the webhooks of the workspace. */
export function NotYours() {
  return (
    <EmptyState title="Webhooks are for those who manage the workspace">
      Ask an administrator of it to have another system told.
    </EmptyState>
  );
}
