import { Group, NativeSelect, TextInput } from "@mantine/core";

const DAY = 86_400_000;
const PRESETS = [
  { value: "7", label: "In 7 days" },
  { value: "30", label: "In 30 days" },
  { value: "90", label: "In 90 days" },
  { value: "365", label: "In a year" },
  { value: "never", label: "Never" },
  { value: "date", label: "On a day…" },
];

/** When something ends, as it is chosen: some days from now, "never", or on a `date` (YYYY-MM-DD, the reader's own day). */
export interface Expiry {
  choice: string;
  date: string;
}

export const NINETY_DAYS: Expiry = { choice: "90", date: "" };

/** The choice that says the end that something has. */
export function expiryOf(end: string | null): Expiry {
  return end === null ? { choice: "never", date: "" } : { choice: "date", date: dayOf(new Date(end)) };
}

/** The end that was chosen; null is never. A day ends at its last second. Throws RangeError without a day. */
export function endOf({ choice, date }: Expiry, now: number): string | null {
  if (choice === "never") return null;
  if (choice === "date") return new Date(`${date}T23:59:59`).toISOString();
  return new Date(now + Number(choice) * DAY).toISOString();
}

function dayOf(moment: Date): string {
  const two = (value: number) => String(value).padStart(2, "0");
  return `${moment.getFullYear()}-${two(moment.getMonth() + 1)}-${two(moment.getDate())}`;
}

/** Chooses when a key ends. */
export function ExpiryField({
  value,
  onChange,
  error,
}: {
  value: Expiry;
  onChange: (next: Expiry) => void;
  error: string | null;
}) {
  return (
    <Group align="flex-start" gap="xs" grow>
      <NativeSelect
        label="Expires"
        data={PRESETS}
        value={value.choice}
        onChange={(event) => onChange({ ...value, choice: event.currentTarget.value })}
        error={error}
      />
      {value.choice === "date" && (
        <TextInput
          type="date"
          label="Last day"
          required
          min={dayOf(new Date())}
          value={value.date}
          onChange={(event) => onChange({ ...value, date: event.currentTarget.value })}
        />
      )}
    </Group>
  );
}
