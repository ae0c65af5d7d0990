import { ActionIcon, Anchor, Button, Group, Popover, Text } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconGitFork, IconTrash } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import { answer } from "#/api/client";
import { ApiError } from "#/api/problem";
import type { WorktreeView } from "#/api/schema";
import { roomKey } from "#/room/key";
import { useRoom } from "#/room/room";
import { useWorktrees } from "#/room/worktrees";
import { ConfirmDialog } from "#/ui/confirm";
import { Shown } from "#/ui/states";
import styles from "./frame.module.css";
import { NewWorktreeDialog } from "./worktree";

/** The worktrees of a session, in a small window below their button. */
export function Worktrees({ sessionId }: { sessionId: string }) {
  const { may } = useRoom();
  const [opened, panel] = useDisclosure(false);
  const [creating, dialog] = useDisclosure(false);
  const [removing, setRemoving] = useState<WorktreeView | null>(null);
  const query = useWorktrees(sessionId, opened);
  const create = () => {
    panel.close();
    dialog.open();
  };
  const remove = (worktree: WorktreeView) => {
    panel.close();
    setRemoving(worktree);
  };
  return (
    <>
      <Popover opened={opened} onChange={panel.toggle} position="bottom-end" width={320} trapFocus returnFocus shadow="md">
        <Popover.Target>
          <Button
            variant="subtle"
            color="gray"
            size="compact-xs"
            onClick={panel.toggle}
            leftSection={<IconGitFork size={14} aria-hidden />}
            aria-label="Worktrees"
          >
            <span className={styles["wide"]}>Worktrees</span>
          </Button>
        </Popover.Target>
        <Popover.Dropdown aria-label="Worktrees" p="xs">
          <Shown query={query}>
            {(items) =>
              items.length === 0 ? (
                <Text size="xs" c="dimmed" mb="xs">
                  A worktree is another folder of the same clone, on a branch of its own. Agents in it do not disturb each
                  other.
                </Text>
              ) : (
                <ul className={styles["worktrees"]}>
                  {items.map((worktree) => (
                    <Item key={worktree.worktreeId} worktree={worktree} remove={may("sessions:write") ? remove : null} />
                  ))}
                </ul>
              )
            }
          </Shown>
          {may("sessions:write") && (
            <Button size="compact-sm" variant="default" fullWidth onClick={create}>
              New worktree…
            </Button>
          )}
        </Popover.Dropdown>
      </Popover>
      {creating && <NewWorktreeDialog sessionId={sessionId} close={dialog.close} />}
      {removing && <RemoveDialog worktree={removing} close={() => setRemoving(null)} />}
    </>
  );
}

interface ItemProps {
  worktree: WorktreeView;
  remove: ((worktree: WorktreeView) => void) | null;
}

function Item({ worktree, remove }: ItemProps) {
  const { workspaceId, sessionId, worktreeId, name, branch, commit } = worktree;
  const to = (part: string) => `/w/${workspaceId}/s/${sessionId}/${part}?${new URLSearchParams({ worktree: worktreeId })}`;
  return (
    <li className={styles["worktree"]}>
      <div className={styles["grow"]}>
        <Text size="sm" truncate>
          {name}
        </Text>
        <Text size="xs" c="dimmed" ff="monospace" truncate>
          {branch ?? `detached at ${commit?.slice(0, 10) ?? "nothing"}`}
        </Text>
      </div>
      <Group gap={8} wrap="nowrap">
        <Anchor component={Link} href={to("files")} size="xs" aria-label={`Files of ${name}`}>
          Files
        </Anchor>
        <Anchor component={Link} href={to("changes")} size="xs" aria-label={`Changes of ${name}`}>
          Changes
        </Anchor>
        {remove && (
          <ActionIcon size="sm" variant="subtle" color="gray" onClick={() => remove(worktree)} aria-label={`Remove ${name}`}>
            <IconTrash size={14} aria-hidden />
          </ActionIcon>
        )}
      </Group>
    </li>
  );
}

function RemoveDialog({ worktree, close }: { worktree: WorktreeView; close: () => void }) {
  const { api } = useRoom();
  const queries = useQueryClient();
  const [dirty, setDirty] = useState(false);
  const { workspaceId, sessionId, worktreeId } = worktree;
  const act = async () => {
    const path = { workspaceId, sessionId, worktreeId };
    try {
      const to = "/api/workspaces/{workspaceId}/sessions/{sessionId}/worktrees/{worktreeId}";
      await answer(api.DELETE(to, { params: { path, query: { force: dirty } } }));
    } catch (error) {
      setDirty(error instanceof ApiError && error.status === 409);
      throw error;
    }
    await queries.invalidateQueries({ queryKey: roomKey(workspaceId, "worktrees", sessionId) });
  };
  return (
    <ConfirmDialog
      opened
      close={close}
      title="Remove worktree"
      label={dirty ? "Remove, and lose the changes" : "Remove"}
      text={
        dirty
          ? `“${worktree.name}” has changes that are not committed. Removing it loses them. Its branch stays.`
          : `The folder of “${worktree.name}” is removed. Its branch stays.`
      }
      act={act}
    />
  );
}
