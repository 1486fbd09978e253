/** The chart comes a moment later than the page; its place is kept for it. */
import { lazy, Suspense, type ComponentProps, type ReactNode } from 'react';

const StackedBars = lazy(() => import('./stacked-bars.tsx'));

export function Chart(properties: ComponentProps<typeof StackedBars>): ReactNode {
  return (
    <Suspense fallback={<div className="h-[17.25rem]" />}>
      <StackedBars {...properties} />
    </Suspense>
  );
}
