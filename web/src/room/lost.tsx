import { Alert, Anchor, Box } from "@mantine/core";
import { Link } from "wouter";
import { ApiError } from "#/api/problem";

/** Says above the pages of a workspace that it is not open to the person any more. What is typed below stays, to be copied. */
export function Lost({ error }: { error: unknown }) {
  if (!(error instanceof ApiError) || ![403, 404].includes(error.status)) return null;
  return (
    <Box pos="sticky" top={0} bg="var(--mantine-color-body)" style={{ zIndex: 3 }}>
      <Alert color="red" variant="light" role="alert" radius={0} py="xs" title="This workspace is not open to you any more">
        It was deleted, or somebody has taken your access to it. What you do here is not kept.{" "}
        <Anchor component={Link} href="/" inherit>
          Your workspaces
        </Anchor>
      </Alert>
    </Box>
  );
}
