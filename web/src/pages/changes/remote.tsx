import { Button, Checkbox, Text, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { answer } from "#/api/client";
import type { StatusView } from "#/api/schema";
import type { Place } from "#/pages/files/place";
import { AUTH_POINTERS, AuthFields, authOf, NO_AUTH } from "#/pages/sessions/auth";
import { useRoom } from "#/room/room";
import { FormDialog, fieldError } from "#/ui/form";
import { say } from "#/ui/notify";
import { GIT } from "./queries";

interface Props {
  place: Place;
  status: StatusView;
  onDone: (status?: StatusView) => void;
}

/** Fetches at once; when that fails, a dialog asks how to sign in. */
export function FetchButton({ place, onDone }: Pick<Props, "place" | "onDone">) {
  const { api } = useRoom();
  const [asking, setAsking] = useState(false);
  const [remote, setRemote] = useState("origin");
  const [auth, setAuth] = useState(NO_AUTH);
  const act = useMutation({
    mutationFn: () =>
      answer(
        api.POST(`${GIT}/fetch`, {
          params: { path: place.path, query: place.query },
          body: { remote, prune: true, auth: authOf(auth) },
        }),
      ),
    onSuccess: (status) => {
      say("Fetched");
      setAsking(false);
      onDone(status);
    },
    onError: () => setAsking(true),
    onSettled: () => setAuth(NO_AUTH),
  });
  return (
    <>
      <Button size="compact-xs" variant="default" loading={act.isPending && !asking} onClick={() => act.mutate()}>
        Fetch
      </Button>
      {asking && (
        <FormDialog
          title="Fetch"
          action="Fetch"
          busy={act.isPending}
          error={act.error}
          fields={["/remote", ...AUTH_POINTERS]}
          onSubmit={() => act.mutate()}
          onClose={() => setAsking(false)}
        >
          <RemoteName value={remote} error={act.error} onChange={setRemote} />
          <AuthFields draft={auth} set={setAuth} error={act.error} />
        </FormDialog>
      )}
    </>
  );
}

/** Pushes the present branch. */
export function PushDialog({ place, status, onDone, onClose }: Props & { onClose: () => void }) {
  const { api } = useRoom();
  const branch = status.branch ?? "";
  const [remote, setRemote] = useState(status.upstream?.split("/")[0] ?? "origin");
  const [target, setTarget] = useState(status.upstream?.split("/").slice(1).join("/") ?? branch);
  const [setUpstream, setSetUpstream] = useState(status.upstream === null);
  const [force, setForce] = useState(false);
  const [typed, setTyped] = useState("");
  const [auth, setAuth] = useState(NO_AUTH);
  const act = useMutation({
    mutationFn: () =>
      answer(
        api.POST(`${GIT}/push`, {
          params: { path: place.path, query: place.query },
          body: {
            branch,
            remote,
            target: target === branch ? null : target,
            setUpstream,
            force,
            lease: null,
            auth: authOf(auth),
          },
        }),
      ),
    onSuccess: ({ refs }) => {
      say(refs.map(({ target: to, summary }) => `${to}: ${summary}`).join(", ") || "Pushed");
      onDone();
      onClose();
    },
  });
  return (
    <FormDialog
      title={`Push ${branch}`}
      action={force ? "Overwrite and push" : "Push"}
      busy={act.isPending}
      error={act.error}
      fields={["/remote", "/target", ...AUTH_POINTERS]}
      onSubmit={() => (!force || typed === target) && act.mutate()}
      onClose={onClose}
    >
      <RemoteName value={remote} error={act.error} onChange={setRemote} />
      <TextInput
        label="Branch there"
        value={target}
        onChange={(event) => setTarget(event.currentTarget.value)}
        error={fieldError(act.error, "/target")}
        spellCheck={false}
        required
      />
      <Checkbox
        label="Follow it from now on (upstream)"
        checked={setUpstream}
        onChange={(event) => setSetUpstream(event.currentTarget.checked)}
      />
      <Checkbox
        label="Overwrite what is there (force with lease)"
        description="Commits of others that were fetched here are lost there. What came since the last fetch is not overwritten."
        checked={force}
        onChange={(event) => setForce(event.currentTarget.checked)}
        color="red"
      />
      {force && (
        <TextInput
          label={`Type “${target}” to go on`}
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
          error={typed !== "" && typed !== target && "This is another name."}
          autoComplete="off"
          required
        />
      )}
      <AuthFields draft={auth} set={setAuth} error={act.error} />
      {status.behind !== null && status.behind > 0 && !force && (
        <Text size="sm" c="dimmed">
          The remote has commits that are not here. Merge them first, or the push will be refused.
        </Text>
      )}
    </FormDialog>
  );
}

function RemoteName({ value, error, onChange }: { value: string; error: unknown; onChange: (value: string) => void }) {
  return (
    <TextInput
      label="Remote"
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      error={fieldError(error, "/remote")}
      spellCheck={false}
      required
    />
  );
}
