/**
 * Keeps what cannot be drawn from taking the whole view with it.
 */
import * as React from 'react';

/** Props of `Guard`. */
export interface IGuardProps {
  /** Shown instead of children that fail, such as a record that is not what it seems. */
  fallback: React.ReactNode;
  children?: React.ReactNode;
}

/** Shows its children, or the fallback once they have failed. */
export class Guard extends React.Component<IGuardProps, { failed: boolean }> {
  static getDerivedStateFromError(): { failed: boolean } {
    return { failed: true };
  }

  override state = { failed: false };

  override render(): React.ReactNode {
    return this.state.failed ? this.props.fallback : this.props.children;
  }
}
