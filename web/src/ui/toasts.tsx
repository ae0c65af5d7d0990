import "@mantine/notifications/styles.layer.css";
import { Notifications, notifications } from "@mantine/notifications";

export default function Toasts() {
  return <Notifications position="bottom-right" limit={4} />;
}

export { notifications };
