import { ActionIcon, AppShell, Burger, Group, Menu, Text, Tooltip, useMantineColorScheme } from "@mantine/core";
import { useDisclosure, useHotkeys } from "@mantine/hooks";
import { IconDeviceDesktop, IconLogout, IconMoon, IconSun, IconUserCircle } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useEffect, useMemo } from "react";
import { Link, useLocation } from "wouter";
import { signOut } from "#/api/identity";
import type { Me } from "#/api/schema";
import { complain } from "#/ui/notify";
import { type Command, useCommands } from "./commands";
import { Navigation } from "./navigation";
import { PaletteButton } from "./paletteButton";
import { whoIs } from "./who";

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
            <PaletteButton />
            <Scheme />
            <AccountMenu me={me} />
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
    <Tooltip label={label}>
      <ActionIcon variant="subtle" color="gray" onClick={next} aria-label={label}>
        <Icon size={18} aria-hidden />
      </ActionIcon>
    </Tooltip>
  );
}

function AccountMenu({ me }: { me: Me }) {
  const queries = useQueryClient();
  const [, go] = useLocation();
  const offered = useMemo<Command[]>(() => {
    const leave = async () => {
      try {
        const elsewhere = await signOut();
        if (elsewhere) location.assign(elsewhere);
        else {
          queries.clear();
          go("/signin");
        }
      } catch (error) {
        complain(error, "You are still signed in");
      }
    };
    return [
      { id: "account", group: "You", label: "Your account and browsers", run: () => go("/account") },
      { id: "sign-out", group: "You", label: "Sign out", run: () => void leave() },
    ];
  }, [go, queries]);
  useCommands(offered);
  return (
    <Menu position="bottom-end" width={240}>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label="Your account">
          <IconUserCircle size={20} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{whoIs(me)}</Menu.Label>
        {offered.map(({ id, label, run }) => (
          <Menu.Item key={id} onClick={run} {...(id === "sign-out" && { leftSection: <IconLogout size={14} aria-hidden /> })}>
            {label}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
