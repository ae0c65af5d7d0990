import { Button, Group, List, PasswordInput, Stack, Text, ThemeIcon } from "@mantine/core";
import { IconCheck, IconX } from "@tabler/icons-react";
import { type FormEvent, useState } from "react";
import { smoke, type Trial } from "./smoke";

/** Tries a key out from here: the one that was just made, else one that is typed in, which is not kept. */
export function TryIt({ revealed }: { revealed: string | null }) {
  const [typed, setTyped] = useState("");
  const [trials, setTrials] = useState<readonly Trial[]>([]);
  const [busy, setBusy] = useState(false);
  const key = revealed ?? typed.trim();
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setTrials([]);
    for await (const trial of smoke(key)) setTrials((done) => [...done, trial]);
    setBusy(false);
  };
  return (
    <Stack component="form" gap="xs" onSubmit={submit}>
      <Group align="flex-end" gap="xs">
        {revealed === null && (
          <PasswordInput
            label="Key"
            description="It is used for this trial, and kept nowhere."
            placeholder="hst_…"
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
            autoComplete="off"
            spellCheck={false}
            flex="1 1 260px"
          />
        )}
        <Button type="submit" variant="default" loading={busy} disabled={key === ""}>
          {revealed === null ? "Try it" : "Try the new key"}
        </Button>
      </Group>
      <div aria-live="polite">
        {trials.length > 0 && (
          <List spacing={6} size="sm" center aria-label="What the trial found">
            {trials.map((trial) => (
              <List.Item key={trial.name} icon={<Mark ok={trial.ok} />}>
                <Text span inherit fw={500}>
                  {trial.name}
                </Text>{" "}
                <Text span inherit c="dimmed" className="numbers">
                  {Math.round(trial.took)} ms
                </Text>
                <Text size="sm" c={trial.ok ? "dimmed" : "var(--mantine-color-error)"}>
                  {trial.said}
                </Text>
              </List.Item>
            ))}
          </List>
        )}
      </div>
    </Stack>
  );
}

function Mark({ ok }: { ok: boolean }) {
  return (
    <ThemeIcon
      size={20}
      radius="xl"
      variant="light"
      color={ok ? "teal" : "red"}
      aria-label={ok ? "passed" : "failed"}
      role="img"
    >
      {ok ? <IconCheck size={14} aria-hidden /> : <IconX size={14} aria-hidden />}
    </ThemeIcon>
  );
}
