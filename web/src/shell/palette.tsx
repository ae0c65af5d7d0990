import { Kbd } from "@mantine/core";
import "@mantine/spotlight/styles.layer.css";
import { Spotlight, spotlight } from "@mantine/spotlight";
import { useEffect, useSyncExternalStore } from "react";
import { commands } from "./commands";

/** Whatever can be done here, by its name. It opens as soon as it is there, for it is loaded when it is first wanted. */
export default function Palette() {
  const offered = useSyncExternalStore(commands.subscribe, commands.get);
  const groups = Map.groupBy(offered, (command) => command.group);
  useEffect(() => spotlight.open(), []);
  return (
    <Spotlight
      shortcut={["mod + K"]}
      actions={[...groups].map(([group, found]) => ({
        group,
        actions: found.map(({ id, label, keys, run }) => ({
          id,
          label,
          onClick: run,
          ...(keys && { rightSection: <Kbd size="xs">{keys}</Kbd> }),
        })),
      }))}
      nothingFound="Nothing by that name"
      highlightQuery
      scrollable
      maxHeight={420}
      limit={40}
      searchProps={{ placeholder: "Go somewhere, or do something", "aria-label": "Search commands" }}
    />
  );
}

export const openPalette = spotlight.open;
