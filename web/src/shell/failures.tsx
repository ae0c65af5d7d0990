import { Component, type ReactNode } from "react";
import { ErrorState } from "#/ui/states";

interface Props {
  children: ReactNode;
}

/** Keeps a page that fails from taking the others with it. A part that could not be loaded, after an update, reloads. */
export class Failures extends Component<Props, { error: unknown }> {
  override state = { error: null };

  static getDerivedStateFromError(error: unknown): { error: unknown } {
    return { error };
  }

  override render(): ReactNode {
    if (this.state.error === null) return this.props.children;
    return <ErrorState title="This page has failed" error={this.state.error} retry={() => location.reload()} />;
  }
}
