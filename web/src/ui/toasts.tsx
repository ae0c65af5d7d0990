import "@mantine/notifications/styles.layer.css";
import { Notifications, notifications } from "@mantine/notifications";
import { useEffect, useSyncExternalStore } from "react";
import { toasts } from "./notify";

/** Shows what was said, in the corner of the page. */
export default function Toasts() {
  const said = useSyncExternalStore(toasts.subscribe, toasts.get);
  useEffect(() => {
    if (said.length === 0) return;
    for (const toast of said) notifications.show({ ...toast });
    toasts.set([]);
  }, [said]);
  return <Notifications position="bottom-right" limit={4} />;
}
