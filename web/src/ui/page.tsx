import { Box, Group, Text, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import type { ReactNode } from "react";

/** A page's frame: its title, in the tab too, what it is about in a line, and what can be done. */
export function Page({
  title,
  description,
  actions,
  wide = false,
  children,
}: {
  title: string;
  description?: ReactNode;
  actions?: ReactNode;
  /** Whether the content takes all of the width. */
  wide?: boolean;
  children: ReactNode;
}) {
  useDocumentTitle(`${title} · hostel`);
  return (
    <Box className={wide ? "page page-wide" : "page"}>
      <Group justify="space-between" align="flex-start" mb="md" gap="sm" wrap="wrap">
        <Box miw={0} flex="1 1 12rem">
          <Title order={1} size="h3" lineClamp={1}>
            {title}
          </Title>
          {description && (
            <Text c="dimmed" size="sm" mt={2} component="div">
              {description}
            </Text>
          )}
        </Box>
        {actions && <Group gap="xs">{actions}</Group>}
      </Group>
      {children}
    </Box>
  );
}
