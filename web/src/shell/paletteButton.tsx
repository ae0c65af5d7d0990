import { ActionIcon, Button, Kbd } from "@mantine/core";
import { useHotkeys } from "@mantine/hooks";
import { IconSearch } from "@tabler/icons-react";
import { lazy, Suspense, useState } from "react";

const load = () => import("./palette");
const Palette = lazy(load);

/** Opens the command palette, as Ctrl-K does. */
export function PaletteButton() {
  const [wanted, setWanted] = useState(false);
  const open = () => (wanted ? void load().then(({ openPalette }) => openPalette()) : setWanted(true));
  // Afterwards the palette hears its shortcut itself.
  useHotkeys(wanted ? [] : [["mod+K", open]], []);
  return (
    <>
      <Button
        variant="default"
        size="compact-sm"
        onClick={open}
        leftSection={<IconSearch size={14} aria-hidden />}
        rightSection={<Kbd size="xs">Ctrl K</Kbd>}
        visibleFrom="sm"
      >
        Commands
      </Button>
      <ActionIcon variant="subtle" color="gray" onClick={open} aria-label="Commands" hiddenFrom="sm">
        <IconSearch size={18} aria-hidden />
      </ActionIcon>
      <Suspense>{wanted && <Palette />}</Suspense>
    </>
  );
}
