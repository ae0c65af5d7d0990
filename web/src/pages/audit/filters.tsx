import { Autocomplete, Button, Group, TextInput } from "@mantine/core";
import { type Filters, NO_FILTERS } from "./source";
import classes from "./table.module.css";

interface Props {
  value: Filters;
  onChange: (next: Filters) => void;
  /** What was seen in the log, to choose from. */
  seen: Readonly<Record<"action" | "outcome" | "actor", readonly string[]>>;
}

/** Which records are shown. The server compares whole words. */
export function FilterBar({ value, onChange, seen }: Props) {
  const change = (part: Partial<Filters>) => onChange({ ...value, ...part });
  const filtered = Object.values(value).some((word) => word !== "");
  return (
    <Group gap="xs" align="flex-end" role="search" aria-label="Filter the log">
      <Autocomplete
        label="Action"
        placeholder="create_key"
        size="xs"
        className={classes.filter}
        data={[...seen.action]}
        value={value.action}
        onChange={(action) => change({ action })}
        maxLength={64}
      />
      <Autocomplete
        label="Outcome"
        placeholder="ok"
        size="xs"
        className={classes.filter}
        data={[...seen.outcome]}
        value={value.outcome}
        onChange={(outcome) => change({ outcome })}
        maxLength={64}
      />
      <Autocomplete
        label="Actor"
        placeholder="admin"
        size="xs"
        className={classes.filter}
        data={[...seen.actor]}
        value={value.actor}
        onChange={(actor) => change({ actor })}
        maxLength={64}
      />
      <TextInput
        type="datetime-local"
        label="Since"
        size="xs"
        className={classes.filter}
        value={value.since}
        onChange={(event) => change({ since: event.currentTarget.value })}
      />
      <TextInput
        type="datetime-local"
        label="Until"
        size="xs"
        className={classes.filter}
        value={value.until}
        onChange={(event) => change({ until: event.currentTarget.value })}
      />
      {filtered && (
        <Button size="xs" variant="subtle" onClick={() => onChange(NO_FILTERS)}>
          Clear
        </Button>
      )}
    </Group>
  );
}
