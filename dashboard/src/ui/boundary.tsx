import { Component, type ReactNode } from 'react';
import { placeNow } from '../place.ts';
import { t } from '../words/words.ts';
import { Button } from './button.tsx';
import { ErrorNote } from './notes.tsx';

interface Properties {
  /** Where one is: what went wrong elsewhere is not shown here. */
  readonly place: string;
  readonly children: ReactNode;
}

interface State {
  readonly failed: { readonly error: unknown; readonly place: string } | null;
}

/** What is in it may fail, and the page around it stays. A part that could not be fetched comes only with the whole page. */
export class Boundary extends Component<Properties, State> {
  override state: State = { failed: null };

  static getDerivedStateFromError(error: unknown): State {
    return { failed: { error, place: placeNow() } };
  }

  override render(): ReactNode {
    const { failed } = this.state;
    if (failed === null || failed.place !== this.props.place) return this.props.children;
    return (
      <div className="space-y-3">
        <ErrorNote error={failed.error} />
        <Button onClick={() => location.reload()}>{t('Load again')}</Button>
      </div>
    );
  }
}
