/** @file Holds what goes wrong while a part of the page is drawn within that part: whoever made the report may have left anything in it. */
import { Component, type ComponentChildren } from 'preact';

interface Props {
  /** The same as long as the same is drawn: with another value it is tried again. */
  of: unknown;
  children: ComponentChildren;
}

interface State {
  /** What went wrong, and what was drawn then. */
  failed?: { error: unknown; of: unknown } | undefined;
}

/** Draws its children; in their place, where they cannot be drawn, a sentence. */
export class Boundary extends Component<Props, State> {
  override componentDidCatch(error: unknown): void {
    // The browser tells of it as of any other error.
    reportError(error);
    this.setState({ failed: { error, of: this.props.of } });
  }

  override render({ children, of }: Props, { failed }: State) {
    if (!failed || failed.of !== of) return children;
    const { error } = failed;
    return (
      <>
        <h1>This view cannot be drawn</h1>
        <p class="warning" role="alert">
          {error instanceof Error ? error.message : String(error)}. Other views may be:{' '}
          <a href="#/">Overview</a>
        </p>
      </>
    );
  }
}
