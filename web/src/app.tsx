import { type ComponentType, lazy, Suspense } from "react";
import { Redirect, Route, Router, Switch, useLocation } from "wouter";
import { useExpired, useMe } from "#/api/identity";
import type { Me } from "#/api/schema";
import { useInvitation } from "#/pages/organisations/join";
import { useLink } from "#/pages/signin/link";
import { Failures } from "#/shell/failures";
import { Shell } from "#/shell/shell";
import { askFirst } from "#/ui/leaving";
import { loaded } from "#/ui/loaded";
import { EmptyState, ErrorState, LoadingState } from "#/ui/states";
import { Told } from "#/ui/told";

/** A page that is loaded when it is first wanted, with the styles that the first pages do without. */
function page<P extends object>(load: () => Promise<{ default: ComponentType<P> }>) {
  return loaded(async () => {
    const [found] = await Promise.all([load(), import("./mantine")]);
    return found;
  });
}

const SignInAgain = lazy(() => import("#/pages/signin/again").then((found) => ({ default: found.SignInAgain })));
const SignIn = loaded(() => import("#/pages/signin"));
const Workspaces = loaded(() => import("#/pages/workspaces"));
const NewWorkspace = page(() => import("#/pages/workspaces/new"));
const RoomPages = page(() => import("#/room/pages"));
const Organisations = page(() => import("#/pages/organisations"));
const Organisation = page(() => import("#/pages/organisations/organisation"));
const Admin = page(() => import("#/pages/admin"));
const Webhook = page(() => import("#/pages/webhooks/above"));
const Account = page(() => import("#/pages/account"));

export function App() {
  const me = useMe();
  const link = useLink();
  const [path] = useLocation();
  if (me.isPending) return <LoadingState label="Starting" />;
  if (me.data === undefined) return <ErrorState error={me.error} retry={() => void me.refetch()} />;
  if (me.data === null || path.startsWith("/signin") || link !== null) {
    return <SignIn me={me.data} link={link} />;
  }
  return (
    <Router aroundNav={askFirst}>
      <SignedIn me={me.data} path={path} />
    </Router>
  );
}

function SignedIn({ me, path }: { me: Me; path: string }) {
  const expired = useExpired();
  const invited = useInvitation() !== null;
  return (
    <Shell me={me}>
      {invited && path !== "/orgs" && <Redirect to="/orgs" replace />}
      <Failures path={path}>
        <Switch>
          <Route path="/">
            {me.role === "workspace" && me.workspaceId ? (
              <Redirect to={`/w/${me.workspaceId}`} replace />
            ) : (
              <Workspaces me={me} />
            )}
          </Route>
          <Route path="/new">
            <NewWorkspace me={me} />
          </Route>
          <Route path="/w/:workspaceId/*?">
            {({ workspaceId }) => <RoomPages key={workspaceId} workspaceId={workspaceId} />}
          </Route>
          <Route path="/orgs">
            <Organisations me={me} />
          </Route>
          <Route path="/orgs/:organisationId">
            {({ organisationId }) => <Organisation key={organisationId} organisationId={organisationId} me={me} />}
          </Route>
          <Route path="/orgs/:organisationId/webhooks/:webhookId">
            {({ organisationId, webhookId }) => <Webhook {...{ place: { kind: "organisation", organisationId }, webhookId }} />}
          </Route>
          <Route path="/admin/webhooks/:webhookId">
            {({ webhookId }) => <Webhook {...{ place: { kind: "host" }, webhookId }} />}
          </Route>
          <Route path="/admin/*?">
            <Admin me={me} />
          </Route>
          <Route path="/account">
            <Account me={me} />
          </Route>
          <Route>
            <EmptyState title="There is no such page">The address may be mistyped, or what it showed is gone.</EmptyState>
          </Route>
        </Switch>
      </Failures>
      <Suspense>{expired && <SignInAgain />}</Suspense>
      <Told />
    </Shell>
  );
}
