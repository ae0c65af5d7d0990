import { Autocomplete, Button, Group, Text, TextInput } from "@mantine/core";
import { CalledText } from "#/names/called";
import { type Filters, NO_FILTERS } from "./source";
import classes from "./table.module.css";

interface Props {
  value: Filters;
  onChange: (next: Filters) => void;
  /** What was seen in the log, to choose from. */
  seen: Readonly<Record<"action" | "outcome" | "actor", readonly string[]>>;
}

/** By name, and by the id that the server compares. */
function ActorOption({ id }: { id: string }) {
  return (
    <div className={classes.id}>
      <CalledText id={id} />
      <Text size="xs" c="dimmed" ff="monospace">
        {id}
      </Text>
    </div>
  );
}

const WORDS = [
  ["action", "Action", "create_key"],
  ["outcome", "Outcome", "ok"],
  ["actor", "Actor", "admin"],
] as const;

/** Which records are shown. The server compares whole words. */
export function FilterBar({ value, onChange, seen }: Props) {
  const change = (part: Partial<Filters>) => onChange({ ...value, ...part });
  const filtered = Object.values(value).some((word) => word !== "");
  return (
    <Group gap="xs" align="flex-end" role="search" aria-label="Filter the log">
      {WORDS.map(([name, label, placeholder]) => (
        <Autocomplete
          key={name}
          label={label}
          placeholder={placeholder}
          size="xs"
          className={classes.filter}
          data={[...seen[name]]}
          {...(name === "actor" && { renderOption: ({ option }) => <ActorOption id={option.value} /> })}
          value={value[name]}
          onChange={(word) => change({ [name]: word })}
          maxLength={64}
        />
      ))}
      <TextInput
        type="datetime-local"
        label="Since"
        size="xs"
        className={`${classes.filter} ${classes.date}`}
        value={value.since}
        onChange={(event) => change({ since: event.currentTarget.value })}
      />
      <TextInput
        type="datetime-local"
        label="Until"
        size="xs"
        className={`${classes.filter} ${classes.date}`}
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
