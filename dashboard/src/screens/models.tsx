import { useState, type ReactNode } from 'react';
import type { ModelEntry, ModelsReply, PriceVersion } from '../../../src/http/api/contract.ts';
import { showCount, showDiscount, showSeconds } from '../format.ts';
import { useAccountQuery, useApi, useMe, usePages } from '../query.ts';
import { Button } from '../ui/button.tsx';
import { Link } from '../ui/link.tsx';
import { Dot, Mark, type Tone } from '../ui/marks.tsx';
import { Empty, ErrorNote, Skeleton } from '../ui/notes.tsx';
import { Card, Facts, PageHead } from '../ui/page.tsx';
import { DataTable, moreOf, type Columns } from '../ui/table.tsx';
import { Money, Time } from '../ui/values.tsx';
import { t } from '../words/words.ts';
import { engineTone, engineWord, PriceText } from './overview.tsx';
import { PriceForm } from './price-form.tsx';

export default function Models(): ReactNode {
  const { data, error, refetch } = useApi<ModelsReply>('/models', useAccountQuery(), { refetchInterval: 15_000 });
  return (
    <>
      <PageHead
        title={t('Models and prices')}
        about={t('What can be called, who answers for it, and what it costs.')}
      />
      <ErrorNote error={error} again={() => void refetch()} />
      {data === undefined && error === null && (
        <Card>
          <Skeleton lines={8} />
        </Card>
      )}
      <div className="space-y-4">
        {data?.data.map((model) => (
          <Model key={model.model} model={model} />
        ))}
      </div>
    </>
  );
}

function Model({ model }: { model: ModelEntry }): ReactNode {
  const me = useMe();
  const [edits, setEdits] = useState(false);
  const [book, setBook] = useState(false);
  return (
    <Card
      title={model.model}
      actions={
        <div className="flex gap-2">
          <Button small onClick={() => setBook(!book)} aria-expanded={book}>
            {t('Price book')}
          </Button>
          {me.role === 'operator' && (
            <Button small onClick={() => setEdits(true)}>
              {t('Change the price')}
            </Button>
          )}
        </div>
      }
    >
      <div className="grid md:grid-cols-3">
        <Price model={model} />
        <Engines model={model} />
        <Facts
          rows={[
            [t('Spent this month'), <Money key="" usd={model.month.cost_usd} />],
            [
              t('Requests'),
              <Link key="" to="/requests" query={{ model: model.model }}>
                {showCount(model.month.requests)}
              </Link>,
            ],
            [t('Audio'), showSeconds(model.month.seconds)],
            [t('Tokens a minute'), showCount(model.audio_tokens_per_minute)],
          ]}
        />
      </div>
      {book && <Book model={model.model} />}
      {edits && <PriceForm model={model} onClose={() => setEdits(false)} />}
    </Card>
  );
}

function Price({ model: { price } }: { model: ModelEntry }): ReactNode {
  if (price === null) return <p className="px-4 py-3 text-warn">{t('It has no price, and so nobody can call it.')}</p>;
  return (
    <Facts
      rows={[
        [
          t('A minute'),
          <span key="" className="font-semibold">
            <Money usd={price.usd_per_minute_of_audio} />
          </span>,
        ],
        [t('List'), <PriceText key="" price={price.list} />],
        [t('Yours'), <PriceText key="" price={price.yours} />],
        [
          t('Discount'),
          <span key="">
            {showDiscount(price.discount_bps)}
            {price.tier !== null && (
              <span className="text-muted">
                {' '}
                {t('tier above')} <Money usd={price.tier.above_usd} />
              </span>
            )}
          </span>,
        ],
      ]}
    />
  );
}

function Engines({ model }: { model: ModelEntry }): ReactNode {
  return (
    <div className="px-4 py-3">
      <h3 className="mb-1.5 text-muted">{t('Engines, in the order in which they are asked')}</h3>
      <ol className="space-y-1.5">
        {model.engines.map((engine) => (
          <li key={engine.engine} className="flex flex-wrap items-center gap-2">
            <Dot tone={engineTone(engine)} />
            <span className="font-medium">{engine.engine}</span>
            <span className="text-xs text-muted">{engineWord(engine)}</span>
            {engine.engine === model.serves_now && <Mark tone="good">{t('answers now')}</Mark>}
            {engine.stand_in && (
              <Mark tone="warn" title={t('Another, smaller model answers in its place. Replies say so.')}>
                {t('stand-in')}
              </Mark>
            )}
          </li>
        ))}
        {model.engines.length === 0 && <li className="text-warn">{t('None: calls of this model are refused.')}</li>}
      </ol>
    </div>
  );
}

const STATE_TONES: Record<PriceVersion['state'], Tone> = { current: 'good', coming: 'accent', past: 'plain' };

function Book({ model }: { model: string }): ReactNode {
  const prices = usePages<PriceVersion>('/models/prices', { model, limit: 20 });
  return (
    <div className="border-t border-line">
      <ErrorNote error={prices.error} />
      <DataTable
        label={t('Price book')}
        rows={prices.rows}
        rowId={(price) => String(price.version)}
        columns={bookColumns()}
        more={moreOf(prices)}
        empty={<Empty title={t('It never had a price')} />}
      />
    </div>
  );
}

const bookColumns = (): Columns<PriceVersion> => [
  { id: 'version', header: t('Version'), cell: ({ row }) => row.original.version },
  {
    id: 'state',
    header: t('State'),
    cell: ({ row }) => <Mark tone={STATE_TONES[row.original.state]}>{t(row.original.state)}</Mark>,
  },
  { id: 'from', header: t('From'), cell: ({ row }) => <Time at={row.original.valid_from} /> },
  { id: 'price', header: t('Price'), cell: ({ row }) => <PriceText price={row.original.price} /> },
];
