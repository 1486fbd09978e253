import type { ListPrice } from '../billing/price.ts';
import type { PriceBook, PriceVersion } from '../billing/price-book.ts';
import type { Clock } from '../core/clock.ts';
import { priceBody } from '../billing/quote.ts';
import { EXIT, JSON_OPTION, printResult, UsageError, type Command, type CommandInput } from './command.ts';
import { readTime, readUsd } from './read-values.ts';

export interface PriceBooks extends AsyncDisposable {
  readonly priceBook: PriceBook;
}

export function priceCommands(open: () => Promise<PriceBooks>, clock: Clock): Command[] {
  return [
    {
      name: 'price list',
      summary: 'Lists every version of every list price, and which holds now.',
      options: { json: JSON_OPTION },
      example: 'earshot price list',
      async run(input, terminal) {
        await using books = await open();
        const prices = await books.priceBook.list();
        const rows = prices.map((price) => priceRow(price, isCurrent(price, prices, clock.now())));
        printResult(
          input,
          terminal,
          { data: rows },
          rows.length === 0 ? ['There are no prices yet.'] : rows.map(priceLine),
        );
        return EXIT.ok;
      },
    },
    {
      name: 'price set',
      summary: 'Adds a version of a model’s list price, per 1M tokens or per second of audio.',
      positional: 'MODEL',
      options: {
        'input-usd-per-1m': { value: 'X', help: 'US dollars for a million input tokens' },
        'output-usd-per-1m': { value: 'X', help: 'US dollars for a million output tokens' },
        'usd-per-second': { value: 'X', help: 'US dollars for a second of audio, in place of the other two' },
        from: { value: 'TIME', help: 'when it begins to hold; default now' },
        json: JSON_OPTION,
      },
      example: 'earshot price set glm/glm-asr-2512 --input-usd-per-1m 0.03 --output-usd-per-1m 0.03 --from 2026-08-01',
      async run(input, terminal) {
        const listPrice = readListPrice(input);
        const validFrom = readTime(input, 'from');
        await using books = await open();
        const price = await books.priceBook.set({ model: input.positionals[0] ?? '', listPrice, validFrom });
        const row = priceRow(price, validFrom === null);
        printResult(input, terminal, row, [priceLine(row)]);
        return EXIT.ok;
      },
    },
  ];
}

function readListPrice(input: CommandInput): ListPrice {
  const perSecondNanoUsd = readUsd(input, 'usd-per-second');
  const inputPer1mNanoUsd = readUsd(input, 'input-usd-per-1m');
  const outputPer1mNanoUsd = readUsd(input, 'output-usd-per-1m');
  if (perSecondNanoUsd !== null && inputPer1mNanoUsd === null && outputPer1mNanoUsd === null) {
    return { per: 'second', perSecondNanoUsd };
  }
  if (perSecondNanoUsd === null && inputPer1mNanoUsd !== null && outputPer1mNanoUsd !== null) {
    return { per: 'tokens', inputPer1mNanoUsd, outputPer1mNanoUsd };
  }
  throw new UsageError('Give --input-usd-per-1m and --output-usd-per-1m, or --usd-per-second alone.');
}

/** The list is in the order of dates and versions, so the last that has begun is the one that holds. */
function isCurrent(price: PriceVersion, prices: readonly PriceVersion[], now: number): boolean {
  return prices.findLast(({ model, validFrom }) => model === price.model && validFrom <= now) === price;
}

function priceRow({ model, version, validFrom, listPrice }: PriceVersion, current: boolean) {
  return {
    model,
    version,
    from: new Date(validFrom).toISOString(),
    current,
    ...priceBody(listPrice),
  };
}

function priceLine(row: ReturnType<typeof priceRow>): string {
  const price =
    'usd_per_second' in row
      ? `$${row.usd_per_second} a second`
      : `$${row.input_usd_per_1m} and $${row.output_usd_per_1m} for 1M input and output tokens`;
  return `${row.model}  version ${row.version}  from ${row.from}  ${price}${row.current ? '  (holds now)' : ''}`;
}
