import { ActionIcon, Menu } from "@mantine/core";
import { IconUserCircle } from "@tabler/icons-react";
import type { Me } from "#/api/schema";
import type { Command } from "./commands";
import { whoIs } from "./who";

/** The menu of whoever is signed in. It is open when it appears, as it was asked for. */
export default function AccountMenu({ me, offered }: { me: Me; offered: readonly Command[] }) {
  return (
    <Menu position="bottom-end" width={240} defaultOpened>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label="Your account">
          <IconUserCircle size={20} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{whoIs(me)}</Menu.Label>
        {offered.map(({ id, label, run }) => (
          <Menu.Item key={id} onClick={run}>
            {label}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
