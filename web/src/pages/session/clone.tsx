import { Alert, Button, Center, Group, Progress, Stack, Text, Title } from "@mantine/core";
import { useDisclosure } from "@mantine/hooks";
import { IconAlertTriangle } from "@tabler/icons-react";
import type { SessionView } from "#/api/schema";
import { NewSessionDialog } from "#/pages/sessions/form";
import { repoName } from "#/pages/sessions/repo";
import { useRoom } from "#/room/room";
import { Ago } from "#/ui/time";
import styles from "./frame.module.css";

/** Where a session's pages will be: how far its clone is, or why it has failed. */
export function CloneState({ session }: { session: SessionView }) {
  return (
    <Center p="xl">
      <Stack gap="sm" w="100%" maw={560}>
        {session.status === "error" ? <Failed session={session} /> : <Cloning session={session} />}
      </Stack>
    </Center>
  );
}

function Cloning({ session: { repoUrl, progress, createdAt } }: { session: SessionView }) {
  return (
    <>
      <Title order={2} size="h4">
        Cloning {repoUrl && repoName(repoUrl)}
      </Title>
      <Progress value={progress?.percent ?? 0} aria-label="Clone" />
      <Group justify="space-between">
        <Text size="sm" c="dimmed" role="status" className="numbers">
          {progress ? `${progress.phase} ${progress.percent} %` : "Beginning"}
        </Text>
        <Text size="sm" c="dimmed">
          <Ago at={createdAt} />
        </Text>
      </Group>
      <Text size="sm" c="dimmed">
        It goes on when you leave this page.
      </Text>
    </>
  );
}

function Failed({ session }: { session: SessionView }) {
  const { may } = useRoom();
  const [opened, dialog] = useDisclosure(false);
  return (
    <>
      <Alert color="red" variant="light" icon={<IconAlertTriangle aria-hidden />} title="The clone has failed" role="alert">
        <Text size="xs" className={styles["reason"]}>
          {session.errorReason ?? "Git gave no reason."}
        </Text>
      </Alert>
      {may("sessions:write") && (
        <Group wrap="nowrap">
          <Button size="xs" onClick={dialog.open} flex="none">
            Try again…
          </Button>
          <Text size="sm" c="dimmed">
            The form is as it was, but for the credential, which is kept nowhere.
          </Text>
        </Group>
      )}
      {opened && <NewSessionDialog failed={session} close={dialog.close} />}
    </>
  );
}
