import { createTheme, Modal, Tooltip } from "@mantine/core";

/** hostel's look: the system's own letters, small radii, one accent. */
export const theme = createTheme({
  primaryColor: "blue",
  // AA contrast of white text on a filled button, and of links on the page.
  primaryShade: { light: 8, dark: 8 },
  fontFamily: "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif",
  fontFamilyMonospace:
    "ui-monospace, 'SF Mono', 'Cascadia Code', 'JetBrains Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace",
  defaultRadius: "sm",
  cursorType: "pointer",
  respectReducedMotion: true,
  components: {
    Modal: Modal.extend({
      defaultProps: { centered: true, overlayProps: { backgroundOpacity: 0.4 }, closeButtonProps: { "aria-label": "Close" } },
    }),
    // Without it the focus is on the first item at once, and nothing is in a menu that is none of its items.
    Menu: { defaultProps: { withInitialFocusPlaceholder: false } },
    Tooltip: Tooltip.extend({ defaultProps: { openDelay: 400, withArrow: true } }),
  },
});
