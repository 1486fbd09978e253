/** Stands in for react-remove-scroll, which writes a style element. The page stops scrolling by the class `dialog-open`. */
import type { ComponentType, ReactNode } from 'react';

interface Properties {
  readonly as?: ComponentType<{ children: ReactNode }>;
  readonly children: ReactNode;
}

export function RemoveScroll({ as: As, children }: Properties): ReactNode {
  return As === undefined ? children : <As>{children}</As>;
}

export default RemoveScroll;
