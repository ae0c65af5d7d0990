import { Button, Checkbox, Fieldset, Group, SimpleGrid, Stack, Text } from "@mantine/core";
import { GROUPS, RIGHTS, type Right } from "./rights";

interface Props {
  /** Those that can be chosen, in the order in which they are shown. */
  offered: readonly Right[];
  chosen: readonly Right[];
  onChange: (next: Right[]) => void;
  error: string | null;
}

/** Chooses what a key may do, right by right. */
export function Scopes({ offered, chosen, onChange, error }: Props) {
  const choose = (next: ReadonlySet<Right>) => onChange(offered.filter((right) => next.has(right)));
  return (
    <Stack gap="xs">
      <Group gap="xs" justify="space-between">
        <Text size="sm" c="dimmed" aria-live="polite">
          {chosen.length} of {offered.length} rights
        </Text>
        <Group gap={4}>
          <Button size="compact-xs" variant="subtle" onClick={() => choose(new Set(offered.filter(reads)))}>
            Reading only
          </Button>
          <Button size="compact-xs" variant="subtle" onClick={() => choose(new Set(offered))}>
            All
          </Button>
          <Button size="compact-xs" variant="subtle" onClick={() => choose(new Set())}>
            None
          </Button>
        </Group>
      </Group>
      {error !== null && (
        <Text size="xs" c="var(--mantine-color-error)" role="alert">
          {error}
        </Text>
      )}
      {GROUPS.map((group) => (
        <ScopeGroup
          key={group}
          legend={group}
          rights={offered.filter((right) => RIGHTS[right].group === group)}
          chosen={chosen}
          toggle={(right, on) => choose(new Set(on ? [...chosen, right] : chosen.filter((other) => other !== right)))}
        />
      ))}
    </Stack>
  );
}

function ScopeGroup({
  legend,
  rights,
  chosen,
  toggle,
}: {
  legend: string;
  rights: Right[];
  chosen: readonly Right[];
  toggle: (right: Right, on: boolean) => void;
}) {
  if (rights.length === 0) return null;
  return (
    <Fieldset legend={legend} p="xs">
      <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="xs" verticalSpacing={6}>
        {rights.map((right) => (
          <Checkbox
            key={right}
            size="xs"
            label={<code>{right}</code>}
            description={RIGHTS[right].text}
            checked={chosen.includes(right)}
            onChange={(event) => toggle(right, event.currentTarget.checked)}
          />
        ))}
      </SimpleGrid>
    </Fieldset>
  );
}

function reads(right: Right): boolean {
  return right.endsWith(":read");
}
