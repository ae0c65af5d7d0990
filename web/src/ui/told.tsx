import { lazy, Suspense, useState, useSyncExternalStore } from "react";
import { toasts } from "./notify";

const Toasts = lazy(() => import("./toasts"));

/** Where notifications appear, from the first one on. */
export function Told() {
  const said = useSyncExternalStore(toasts.subscribe, toasts.get);
  const [wanted, setWanted] = useState(false);
  if (said.length > 0 && !wanted) setWanted(true);
  return <Suspense>{wanted && <Toasts />}</Suspense>;
}
