import { Component, type ReactNode } from "react";
import { ErrorState } from "#/ui/states";

/** Parts of the client that could not be fetched. */
const unloaded = new WeakSet<object>();
addEventListener("vite:preloadError", ({ payload }) => unloaded.add(payload));

interface Props {
  /** Where one is: what failed there does not matter elsewhere. */
  path: string;
  children: ReactNode;
}

/** Keeps a page that fails from taking the others with it. A part that could not be loaded, after an update, reloads. */
export class Failures extends Component<Props, { error: unknown }> {
  override state = { error: null };

  static getDerivedStateFromError(error: unknown): { error: unknown } {
    return { error };
  }

  override componentDidUpdate({ path }: Props): void {
    if (path !== this.props.path && this.state.error !== null) this.setState({ error: null });
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (error === null) return this.props.children;
    const shown = unloaded.has(error)
      ? { title: "This page could not be loaded", error: new Error("The network is away, or hostel was updated.") }
      : { title: "This page has failed", error };
    return <ErrorState {...shown} retry={() => location.reload()} />;
  }
}
