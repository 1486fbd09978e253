import { useState, type ReactNode } from 'react';
import type { ModelEntry, PriceVersion, SetPriceRequest } from '../../../src/http/api/contract.ts';
import { post } from '../api.ts';
import { readAgain } from '../query.ts';
import { useSending } from '../sending.ts';
import { Button } from '../ui/button.tsx';
import { Dialog, DialogActions } from '../ui/dialog.tsx';
import { atFields, SelectField, TextField } from '../ui/field.tsx';
import { ErrorNote } from '../ui/notes.tsx';
import { t } from '../words/words.ts';
import { Preview, usePreview } from './preview.tsx';

const AMOUNT = '\\d{1,9}(\\.\\d{1,9})?';

export function PriceForm({ model, onClose }: { model: ModelEntry; onClose: () => void }): ReactNode {
  const list = model.price?.list;
  const [per, setPer] = useState<'tokens' | 'second'>(
    list !== undefined && 'usd_per_second' in list ? 'second' : 'tokens',
  );
  const [input, setInput] = useState(list !== undefined && 'input_usd_per_1m' in list ? list.input_usd_per_1m : '');
  const [output, setOutput] = useState(list !== undefined && 'output_usd_per_1m' in list ? list.output_usd_per_1m : '');
  const [second, setSecond] = useState(list !== undefined && 'usd_per_second' in list ? list.usd_per_second : '');
  const [from, setFrom] = useState('');
  const price =
    per === 'tokens'
      ? { input_usd_per_1m: input.trim(), output_usd_per_1m: output.trim() }
      : { usd_per_second: second.trim() };
  const request: SetPriceRequest = {
    model: model.model,
    price,
    ...(from === '' ? {} : { valid_from: `${from}T00:00:00Z` }),
  };
  const complete = Object.values(price).every((amount) => new RegExp(`^${AMOUNT}$`).test(amount));
  const preview = usePreview('/prices/preview', request, complete);

  const { error, busy, onSubmit } = useSending(async () => {
    await post<PriceVersion>('/prices', request);
    readAgain('/models', '/models/prices', '/overview');
    onClose();
  });
  const { at, rest } = atFields(error, 'valid_from');

  return (
    <Dialog
      wide
      title={t('Change the price of {model}', { model: model.model })}
      description={t('Past calls keep the price that they were charged by.')}
      onClose={onClose}
    >
      <form onSubmit={onSubmit} className="space-y-4">
        <div className="grid gap-4 sm:grid-cols-2">
          <SelectField label={t('Priced by')} value={per} onChange={({ target }) => setPer(target.value as typeof per)}>
            <option value="tokens">{t('1M tokens')}</option>
            <option value="second">{t('second of audio')}</option>
          </SelectField>
          <TextField
            label={t('From')}
            type="date"
            hint={t('At 00:00 UTC. Empty: from now on.')}
            error={at('valid_from')}
            value={from}
            onChange={({ target }) => setFrom(target.value)}
          />
          {per === 'tokens' ? (
            <>
              <TextField
                label={t('US dollars per 1M input tokens')}
                required
                inputMode="decimal"
                pattern={AMOUNT}
                value={input}
                onChange={({ target }) => setInput(target.value)}
              />
              <TextField
                label={t('US dollars per 1M output tokens')}
                required
                inputMode="decimal"
                pattern={AMOUNT}
                value={output}
                onChange={({ target }) => setOutput(target.value)}
              />
            </>
          ) : (
            <TextField
              label={t('US dollars per second of audio')}
              required
              inputMode="decimal"
              pattern={AMOUNT}
              value={second}
              onChange={({ target }) => setSecond(target.value)}
            />
          )}
        </div>
        <Preview preview={preview} />
        <ErrorNote error={rest} />
        <DialogActions>
          <Button onClick={onClose}>{t('Cancel')}</Button>
          <Button type="submit" look="main" busy={busy}>
            {from === '' ? t('Change it now') : t('Change it on that day')}
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
