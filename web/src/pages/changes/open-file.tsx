import { Button } from "@mantine/core";
import { Link } from "wouter";
import type { Place } from "#/pages/files/place";

/** The way from a change to its file. */
export function OpenFile({ place, path }: { place: Place; path: string }) {
  return (
    <Button
      component={Link}
      href={`/w/${place.path.workspaceId}/s/${place.sessionId}/files?${new URLSearchParams({ ...place.query, path })}`}
      size="compact-xs"
      variant="subtle"
      color="gray"
      aria-label={`Open ${path}`}
    >
      Open
    </Button>
  );
}
