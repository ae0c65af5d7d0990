import { ActionIcon, AppShell, Box, Burger, Group, Text, useMantineColorScheme } from "@mantine/core";
import { useDisclosure, useHotkeys } from "@mantine/hooks";
import { IconDeviceDesktop, IconMoon, IconSun } from "@tabler/icons-react";
import { type ReactNode, useEffect } from "react";
import { Link, useLocation } from "wouter";
import type { Me } from "#/api/schema";
import { AccountButton } from "./accountButton";
import { Navigation } from "./navigation";
import { PaletteButton } from "./paletteButton";

/** What is around every page: where one is, where one can go, and who one is. */
export function Shell({ me, children }: { me: Me; children: ReactNode }) {
  const [opened, menu] = useDisclosure(false);
  const [path] = useLocation();
  // biome-ignore lint/correctness/useExhaustiveDependencies: a page that was chosen closes the menu of small screens
  useEffect(() => menu.close(), [path]);
  return (
    <AppShell
      header={{ height: 44 }}
      navbar={{ width: 216, breakpoint: "sm", collapsed: { mobile: !opened } }}
      transitionDuration={0}
      mode="static"
    >
      <a className="skip-link" href="#main">
        Skip to the page
      </a>
      <AppShell.Header>
        <Group h="100%" px="sm" gap="sm" wrap="nowrap" justify="space-between">
          <Group gap="xs" wrap="nowrap">
            <Burger opened={opened} onClick={menu.toggle} hiddenFrom="sm" size="sm" aria-label="Menu" aria-expanded={opened} />
            <Text component={Link} href="/" fw={700} c="inherit" aria-label="hostel, home">
              hostel
            </Text>
          </Group>
          <Group gap="xs" wrap="nowrap">
            {/* Where the open workspace says whether it is live. */}
            <Box id="live" />
            <PaletteButton />
            <Scheme />
            <AccountButton me={me} />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar aria-label="Pages">
        <Navigation me={me} />
      </AppShell.Navbar>
      <AppShell.Main id="main" tabIndex={-1}>
        {children}
      </AppShell.Main>
    </AppShell>
  );
}

const SCHEMES = { auto: IconDeviceDesktop, light: IconSun, dark: IconMoon };
const NEXT = { auto: "light", light: "dark", dark: "auto" } as const;

function Scheme() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const next = () => setColorScheme(NEXT[colorScheme]);
  useHotkeys([["mod+shift+L", next]]);
  const Icon = SCHEMES[colorScheme];
  const label = `Colours: ${colorScheme === "auto" ? "as the system" : colorScheme}. Change`;
  return (
    <ActionIcon variant="subtle" color="gray" onClick={next} aria-label={label} title={label}>
      <Icon size={18} aria-hidden />
    </ActionIcon>
  );
}
