/** The figures as one HTML page that stands alone: nothing is loaded from elsewhere, nothing is run, all text is escaped. */
import { escapeHtml } from './escape-html.ts';
import { barChart, scatterChart, type Bar } from './plots.ts';
import { STYLE } from './report-style.ts';
import { decimal, percent, RATE_NAMES, rateLine, warningLines, WORST_COUNT, type Report } from './report.ts';
import { rateOf, stepsOf, worstOf, type ScoredUtterance, type Totals } from './score.ts';
import { measureOf, type Measure } from './text/units.ts';

const FAILURES_SHOWN_MAX = 200;

export function reportHtml(report: Report): string {
  const { evaluation, model, engine, createdAt } = report;
  const title = `How well ${model} hears`;
  const { scored } = evaluation;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<header>
<p class="eyebrow">earshot evaluate</p>
<h1>${escapeHtml(title)}</h1>
<p class="quiet">${escapeHtml(`Heard by ${evaluation.engines.join(', ') || (engine ?? 'nobody')} · ${createdAt.slice(0, 16).replace('T', ' ')} UTC`)}</p>
</header>
${notice(report)}
<section class="tiles">
${tiles(report).join('\n')}
</section>
${scored.length === 0 ? '' : plots(scored)}
${languagesSection(report)}
${worstSection(scored)}
${failuresSection(report)}
<footer class="quiet">
<p>Rates are sums of errors by sums of words or characters of the references, after both sides went through the same rules. Ranges are 95 % bootstrap intervals over recordings. The real-time factor is processing time by audio time of each recording, others that ran beside it included.</p>
</footer>
</main>
</body>
</html>
`;
}

function notice({ evaluation, interrupted }: Report): string {
  const { failures, missing } = evaluation;
  const parts = [
    ...(interrupted ? ['The run was interrupted.'] : []),
    ...(missing > 0 ? [`${missing} recordings were not reached and are not in these figures.`] : []),
    ...(failures.length > 0
      ? [`${failures.length} recordings failed and are not in these figures; they are listed below.`]
      : []),
    ...warningLines(evaluation),
  ];
  return parts.length === 0 ? '' : `<p class="notice">${escapeHtml(parts.join(' '))}</p>`;
}

function tiles({ evaluation, throughput }: Report): string[] {
  const { totals, scored, failures, overall } = evaluation;
  const rates = (['words', 'characters'] as const).flatMap((measure) => {
    const found = totals[measure];
    return found === undefined ? [] : [rateTile(found, measure)];
  });
  return [
    ...rates,
    tile('Recordings', String(scored.length), `${minutes(overall.audioSeconds)} of audio, ${failures.length} failed`),
    tile(
      'Real-time factor',
      decimal(overall.realTimeFactor),
      throughput === null ? 'nothing new in this run' : `this run: ${throughput.toFixed(1)} × real time`,
    ),
  ];
}

function rateTile(totals: Totals, measure: Measure): string {
  const { rate, interval, units, errors, substitutions, deletions, insertions } = totals;
  const name = RATE_NAMES[measure];
  const range = interval === null ? '' : `95 %: ${percent(interval.low)} to ${percent(interval.high)}. `;
  const parts = `${errors} of ${units} ${measure}: ${substitutions} replaced, ${deletions} left out, ${insertions} added`;
  return tile(name.charAt(0).toUpperCase() + name.slice(1), percent(rate), range + parts, true);
}

function tile(label: string, value: string, note: string, main = false): string {
  return `<div class="tile${main ? ' main' : ''}"><p class="label">${escapeHtml(label)}</p><p class="value">${escapeHtml(value)}</p><p class="quiet">${escapeHtml(note)}</p></div>`;
}

function minutes(seconds: number): string {
  return seconds < 120 ? `${seconds.toFixed(1)} s` : `${(seconds / 60).toFixed(1)} min`;
}

const percentAxis = { label: 'error rate', format: (value: number) => `${Math.round(value * 100)} %` };
const secondsAxis = { label: 'length in seconds', format: (value: number) => String(Math.round(value * 100) / 100) };

function plots(scored: readonly ScoredUtterance[]): string {
  const rates = scored.map((one) => ({
    x: one.heard.audioSeconds,
    y: rateOf(one),
    title: `${one.utterance.id}: ${percent(rateOf(one))}`,
  }));
  const speeds = scored
    .filter(({ heard }) => heard.audioSeconds > 0)
    .map(({ utterance, heard }) => {
      const factor = heard.processingSeconds / heard.audioSeconds;
      return { x: heard.audioSeconds, y: factor, title: `${utterance.id}: ${decimal(factor)}` };
    });
  return `<section class="plots">
${figure('How the error rates spread', barChart(histogram(scored), 'Histogram of error rates', 'error rate of a recording in percent', 'recordings'))}
${figure('What kinds of errors', barChart(kinds(scored), 'Errors by kind', 'kind', 'errors'))}
${figure('Error rate by length', scatterChart(rates, 'Error rate by length', secondsAxis, percentAxis))}
${figure('Real-time factor by length', scatterChart(speeds, 'Real-time factor by length', secondsAxis, { label: 'real-time factor', format: (value) => String(Math.round(value * 1000) / 1000) }))}
</section>`;
}

function figure(caption: string, drawing: string): string {
  return `<figure><figcaption>${escapeHtml(caption)}</figcaption>${drawing}</figure>`;
}

function kinds(scored: readonly ScoredUtterance[]): Bar[] {
  const sum = (count: (one: ScoredUtterance) => number): number => scored.reduce((total, one) => total + count(one), 0);
  return [
    { label: 'replaced', count: sum(({ substitutions }) => substitutions) },
    { label: 'left out', count: sum(({ deletions }) => deletions) },
    { label: 'added', count: sum(({ insertions }) => insertions) },
  ];
}

const BINS = 10;

/** Recordings without an error, then by tenths, then those that are worse than wholly wrong. */
function histogram(scored: readonly ScoredUtterance[]): Bar[] {
  const counts = Array.from({ length: BINS + 2 }, () => 0);
  for (const one of scored) {
    const rate = rateOf(one);
    const bin = rate === 0 ? 0 : rate > 1 ? BINS + 1 : Math.ceil(rate * BINS - 1e-9);
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  const labelOf = (bin: number): string => (bin === 0 ? '0' : bin > BINS ? '> 100' : `≤ ${bin * BINS}`);
  return counts.map((count, bin) => ({ label: labelOf(bin), count }));
}

function languagesSection({ evaluation: { languages } }: Report): string {
  if (languages.length === 0) return '';
  const rows = languages.map(
    (one) =>
      `<tr><th scope="row">${escapeHtml(one.language)}</th><td>${one.utterances}</td><td>${escapeHtml(rateLine(one, one.measure))}</td><td>${decimal(one.realTimeFactor)}</td></tr>`,
  );
  return `<section><h2>By language</h2><div class="scroll"><table><thead><tr><th scope="col">Language</th><th scope="col">Recordings</th><th scope="col">Error rate</th><th scope="col">Real-time factor</th></tr></thead><tbody>${rows.join('')}</tbody></table></div></section>`;
}

function worstSection(scored: readonly ScoredUtterance[]): string {
  const worst = worstOf(scored, WORST_COUNT);
  if (worst.length === 0) return '';
  const cards = worst.map(
    (one) => `<article class="card">
<h3><span class="rate">${percent(rateOf(one))}</span> ${escapeHtml(one.utterance.id)}</h3>
<p class="quiet">${one.errors} of ${one.units} ${measureOf(one.utterance.language)}, ${one.heard.audioSeconds.toFixed(1)} s</p>
<p class="diff" lang="${escapeHtml(one.utterance.language)}">${diff(one)}</p>
</article>`,
  );
  return `<section><h2>The worst${worst.length < WORST_COUNT ? '' : ` ${WORST_COUNT}`}</h2>
<p class="quiet">Word by word: <del>what was said</del> and <ins>what was heard instead</ins>.</p>
${cards.join('\n')}
</section>`;
}

function diff({ utterance, heard }: ScoredUtterance): string {
  const between = measureOf(utterance.language) === 'characters' ? '' : ' ';
  return stepsOf(utterance, heard.text)
    .map(({ reference, text }) => {
      if (reference === text) return escapeHtml(reference ?? '');
      const said = reference === null ? '' : `<del>${escapeHtml(reference)}</del>`;
      return said + (text === null ? '' : `<ins>${escapeHtml(text)}</ins>`);
    })
    .join(between);
}

function failuresSection({ evaluation: { failures } }: Report): string {
  if (failures.length === 0) return '';
  const shown = failures.slice(0, FAILURES_SHOWN_MAX);
  const rows = shown.map(({ id, error }) => `<li><strong>${escapeHtml(id)}</strong> ${escapeHtml(error)}</li>`);
  const more = failures.length > shown.length ? `<p class="quiet">and ${failures.length - shown.length} more</p>` : '';
  return `<section><h2>Failed</h2><ul class="failures">${rows.join('')}</ul>${more}</section>`;
}
