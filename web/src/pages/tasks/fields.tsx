import {
  Autocomplete,
  Checkbox,
  Group,
  Input,
  NumberInput,
  Radio,
  SegmentedControl,
  Select,
  SimpleGrid,
  Stack,
  Textarea,
  TextInput,
} from "@mantine/core";
import type { AgentView, Policy } from "#/api/schema";
import { useAgents } from "#/room/agents";
import { fieldError } from "#/ui/form";
import type { Draft, PartProps } from "./draft";
import { SessionFields } from "./place";

/** The fields that say what is wrong with them, as pointers into a plan. */
export const PLAN_FIELDS = [
  ...["/prompt", "/agent", "/model", "/mode", "/sessionId", "/worktreeId", "/repoUrl", "/ref"],
  ...["/timeout", "/attempts", "/permissions", "/keepSession"],
];

interface Props {
  draft: Draft;
  onChange: (draft: Draft) => void;
  error: unknown;
  /** Where the plan is in the request's body. */
  at?: string;
}

/** What a task is to do, where, and within which limits. */
export function PlanFields({ draft, onChange, error, at = "" }: Props) {
  const set = (change: Partial<Draft>) => onChange({ ...draft, ...change });
  const wrong = (field: string) => fieldError(error, `${at}/${field}`);
  return (
    <>
      <Textarea
        label="Prompt"
        description="What the agent is to do. Nobody is there to answer its questions."
        value={draft.prompt}
        onChange={(event) => set({ prompt: event.currentTarget.value })}
        error={wrong("prompt")}
        autosize
        minRows={4}
        maxRows={14}
        required
        data-autofocus
      />
      <AgentFields draft={draft} set={set} wrong={wrong} />
      <PlaceFields draft={draft} set={set} wrong={wrong} />
      <Radio.Group
        label="When the agent asks for a permission"
        value={draft.permissions}
        onChange={(value) => set({ permissions: policyOf(value) })}
        error={wrong("permissions")}
      >
        <Stack gap={6} mt={6}>
          <Radio value="deny" label="Deny" description="It works with what it may do without asking. The safe choice." />
          <Radio value="allow" label="Allow" description="It may run any command in its session, as this workspace's user." />
        </Stack>
      </Radio.Group>
      <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
        <NumberInput
          label="Time limit in minutes"
          description="For one attempt"
          placeholder="The host's limit"
          value={draft.minutes}
          onChange={(value) => set({ minutes: numberOf(value) })}
          error={wrong("timeout")}
          min={1}
        />
        <NumberInput
          label="Attempts"
          description="When it fails it is tried again"
          placeholder="1"
          value={draft.attempts}
          onChange={(value) => set({ attempts: numberOf(value) })}
          error={wrong("attempts")}
          min={1}
          allowDecimal={false}
        />
      </SimpleGrid>
    </>
  );
}

function AgentFields({ draft, set, wrong }: PartProps) {
  const agents = useAgents();
  const items = agents.data ?? [];
  const models = items.find(({ agent }) => agent === draft.agent)?.models.map(({ id }) => id) ?? [];
  return (
    <SimpleGrid cols={{ base: 1, xs: 3 }} spacing="sm">
      <Select
        label="Agent"
        placeholder="The host's default"
        data={items.map((agent) => ({
          value: agent.agent,
          label: labelOf(agent),
          disabled: !agent.installed || agent.auth === "missing",
        }))}
        value={draft.agent || null}
        onChange={(value) => set({ agent: value ?? "", model: "", mode: "" })}
        error={wrong("agent") ?? (agents.isError ? "The agents could not be listed." : null)}
        clearable
      />
      <Autocomplete
        label="Model"
        placeholder="Its own choice"
        data={models}
        value={draft.model}
        onChange={(model) => set({ model })}
        error={wrong("model")}
      />
      <TextInput
        label="Mode"
        placeholder="Its own choice"
        value={draft.mode}
        onChange={(event) => set({ mode: event.currentTarget.value })}
        error={wrong("mode")}
      />
    </SimpleGrid>
  );
}

function PlaceFields({ draft, set, wrong }: PartProps) {
  return (
    <Stack gap={6}>
      <Group justify="space-between">
        <Input.Label labelElement="div" id="task-place">
          Where
        </Input.Label>
        <SegmentedControl
          aria-labelledby="task-place"
          size="xs"
          value={draft.place}
          onChange={(value) => set({ place: value === "session" ? "session" : "own" })}
          data={[
            { value: "own", label: "Its own session" },
            { value: "session", label: "Another session" },
          ]}
        />
      </Group>
      {draft.place === "own" ? (
        <OwnFields draft={draft} set={set} wrong={wrong} />
      ) : (
        <SessionFields draft={draft} set={set} wrong={wrong} />
      )}
    </Stack>
  );
}

function OwnFields({ draft, set, wrong }: PartProps) {
  return (
    <>
      <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
        <TextInput
          label="Repository"
          description="Cloned anew; without it the session is empty"
          placeholder="https://git.example.org/team/app.git"
          value={draft.repoUrl}
          onChange={(event) => set({ repoUrl: event.currentTarget.value })}
          error={wrong("repoUrl")}
        />
        <TextInput
          label="Branch, tag or commit"
          description="Of the repository"
          placeholder="Its default branch"
          value={draft.ref}
          onChange={(event) => set({ ref: event.currentTarget.value })}
          error={wrong("ref")}
        />
      </SimpleGrid>
      <Checkbox
        label="Keep the session when the task has ended"
        checked={draft.keepSession}
        onChange={(event) => set({ keepSession: event.currentTarget.checked })}
        error={wrong("keepSession")}
      />
    </>
  );
}

function labelOf({ title, installed, auth }: AgentView): string {
  if (!installed) return `${title} (not installed)`;
  return auth === "missing" ? `${title} (no credential)` : title;
}

function policyOf(value: string): Policy {
  return value === "allow" ? "allow" : "deny";
}

function numberOf(value: string | number): number | "" {
  return typeof value === "number" ? value : "";
}
