import { useRoom } from "#/room/room";
import { Page } from "#/ui/page";
import { NotYours } from "./notYours";
import { WebhooksPanel } from "./panel";

/** The webhooks of a workspace. */
export default function WebhooksPage() {
  const { workspaceId, api, may } = useRoom();
  return (
    <Page title="Webhooks" description="Other systems are told what happens in this workspace.">
      {may("webhooks:read") ? (
        <WebhooksPanel place={{ kind: "workspace", workspaceId }} api={api} writes={may("webhooks:write")} />
      ) : (
        <NotYours />
      )}
    </Page>
  );
}
