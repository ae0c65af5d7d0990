import { type ComponentType, useEffect, useState } from "react";
import { LoadingState } from "./states";

/**
 * A page whose code is loaded when it is first wanted, and drawn as soon as it is there. (What comes by React's `lazy` within
 * 300 ms of a fallback waits until those are over, and so does each page inside of it.)
 */
export function loaded<P extends object>(load: () => Promise<{ default: ComponentType<P> }>): ComponentType<P> {
  let known: ComponentType<P> | null = null;
  return function Page(props: P) {
    const [Loaded, setLoaded] = useState(() => known);
    const [failure, setFailure] = useState<{ error: unknown } | null>(null);
    useEffect(() => {
      if (Loaded !== null) return;
      load().then(
        (found) => {
          known = found.default;
          setLoaded(() => known);
        },
        (error: unknown) => setFailure({ error }),
      );
    }, [Loaded]);
    if (failure !== null) throw failure.error;
    return Loaded === null ? <LoadingState /> : <Loaded {...props} />;
  };
}
