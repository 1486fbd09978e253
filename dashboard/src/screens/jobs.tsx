import { useState, type ReactNode } from 'react';
import type { DeliveryRow, IssuedWebhookSecret, JobRow, WebhookSecretFacts } from '../../../src/http/api/contract.ts';
import { post } from '../api.ts';
import { showMs } from '../format.ts';
import { changeQuery, useQueryString } from '../place.ts';
import { readAgain, useAccount, useAccountQuery, useApi, useMe, usePages } from '../query.ts';
import { useSending } from '../sending.ts';
import { Button } from '../ui/button.tsx';
import { Confirm } from '../ui/confirm.tsx';
import { CodeBlock } from '../ui/copy.tsx';
import { Dialog, DialogActions } from '../ui/dialog.tsx';
import { Filter } from '../ui/field.tsx';
import { Link } from '../ui/link.tsx';
import { Mark, type Tone } from '../ui/marks.tsx';
import { Empty, ErrorNote } from '../ui/notes.tsx';
import { Card, PageHead } from '../ui/page.tsx';
import { DataTable, moreOf, type Columns } from '../ui/table.tsx';
import { Countdown, Distance, Time } from '../ui/values.tsx';
import { codeText, errorText, t } from '../words/words.ts';

const EVERY_MS = 5_000;

const TONES: Record<JobRow['status'] | DeliveryRow['state'], Tone> = {
  queued: 'plain',
  running: 'accent',
  completed: 'good',
  failed: 'bad',
  canceled: 'plain',
  pending: 'accent',
  delivered: 'good',
};

export default function Jobs(): ReactNode {
  return (
    <>
      <PageHead
        title={t('Jobs and webhooks')}
        about={t('Calls with "async": true are answered later, and a webhook can tell you when.')}
      />
      <div className="space-y-4">
        <JobList />
        <Deliveries />
        <Secret />
      </div>
    </>
  );
}

function JobList(): ReactNode {
  const query = useQueryString();
  const jobs = usePages<JobRow>(
    '/jobs',
    { ...useAccountQuery(), status: query['status'], limit: 25 },
    { refetchInterval: EVERY_MS },
  );
  return (
    <Card
      title={t('Jobs')}
      actions={
        <Filter label={t('State')} value={query['status'] ?? ''} onChange={(status) => changeQuery({ status })}>
          <option value="">{t('all')}</option>
          <option value="queued">{t('queued')}</option>
          <option value="running">{t('running')}</option>
          <option value="completed">{t('completed')}</option>
          <option value="failed">{t('failed')}</option>
          <option value="canceled">{t('canceled')}</option>
        </Filter>
      }
    >
      <ErrorNote error={jobs.error} again={() => void jobs.refetch()} />
      <DataTable
        label={t('Jobs')}
        rows={jobs.rows}
        rowId={(job) => job.job_id}
        columns={jobColumns()}
        more={moreOf(jobs)}
        empty={
          <Empty title={t('No job')}>
            <p>
              {t(
                'Long recordings are best sent as jobs: the call is answered at once with the id of a job, which ends and is charged once, whatever happens meanwhile.',
              )}
            </p>
            <p className="mt-2">
              <code className="rounded bg-raised px-1.5 py-0.5 font-mono text-xs">
                {'{"model": …, "inputs": …, "async": true}'}
              </code>
            </p>
          </Empty>
        }
      />
    </Card>
  );
}

const jobColumns = (): Columns<JobRow> => [
  {
    id: 'job',
    header: t('Job'),
    cell: ({ row: { original: job } }) => (
      <Link
        to={`/requests/${job.request_id}`}
        className="font-mono text-xs text-accent hover:underline"
        title={job.job_id}
      >
        {job.job_id.slice(0, 12)}…
      </Link>
    ),
  },
  {
    id: 'state',
    header: t('State'),
    cell: ({ row: { original: job } }) => (
      <Mark
        tone={TONES[job.status]}
        {...(job.error === null ? {} : { title: codeText(job.error.code, job.error.message) })}
      >
        {t(job.status)}
        {job.error !== null && <span className="font-normal">{job.error.code}</span>}
      </Mark>
    ),
  },
  {
    id: 'key',
    header: t('Key'),
    meta: { from: 'md' },
    cell: ({ row }) => <span className="block max-w-40 truncate">{row.original.key.name}</span>,
  },
  { id: 'model', header: t('Model'), meta: { from: 'lg' }, cell: ({ row }) => row.original.model },
  { id: 'made', header: t('Made'), meta: { from: 'sm' }, cell: ({ row }) => <Time at={row.original.created_at} /> },
  {
    id: 'ended',
    header: t('Ended'),
    cell: ({ row: { original: job } }) => (job.completed_at === null ? '—' : <Distance at={job.completed_at} />),
  },
  { id: 'tries', header: t('Tries'), meta: { number: true, from: 'md' }, cell: ({ row }) => row.original.attempts },
  { id: 'webhook', header: t('Webhook to'), meta: { from: 'xl' }, cell: ({ row }) => row.original.webhook_host ?? '—' },
];

function Deliveries(): ReactNode {
  const me = useMe();
  const [shown, setShown] = useState<DeliveryRow | null>(null);
  const deliveries = usePages<DeliveryRow>(
    '/deliveries',
    { ...useAccountQuery(), limit: 25 },
    { refetchInterval: EVERY_MS },
  );
  return (
    <Card title={t('Deliveries of webhooks')} about={t('A press on one shows every try.')}>
      <ErrorNote error={deliveries.error} again={() => void deliveries.refetch()} />
      <DataTable
        label={t('Deliveries of webhooks')}
        rows={deliveries.rows}
        rowId={(delivery) => delivery.delivery_id}
        columns={deliveryColumns(me.role !== 'viewer', setShown)}
        more={moreOf(deliveries)}
        onOpen={setShown}
        empty={
          <Empty title={t('No webhook was owed yet')}>
            {t(
              'Send "webhook_url" along with a job. It is signed by Standard Webhooks, and tried again for a day where nobody answers.',
            )}
          </Empty>
        }
      />
      {shown !== null && <Attempts delivery={shown} onClose={() => setShown(null)} />}
    </Card>
  );
}

function deliveryColumns(mayReplay: boolean, show: (delivery: DeliveryRow) => void): Columns<DeliveryRow> {
  return [
    {
      id: 'host',
      header: t('To'),
      cell: ({ row }) => <span className="block max-w-56 truncate font-medium">{row.original.host}</span>,
    },
    {
      id: 'state',
      header: t('State'),
      cell: ({ row: { original: delivery } }) => <Mark tone={TONES[delivery.state]}>{t(delivery.state)}</Mark>,
    },
    {
      id: 'last',
      header: t('Last answer'),
      meta: { from: 'sm' },
      cell: ({ row: { original: delivery } }) => {
        const last = delivery.attempts.at(-1);
        return last === undefined ? '—' : (last.status ?? last.failure);
      },
    },
    { id: 'tries', header: t('Tries'), meta: { number: true, from: 'sm' }, cell: ({ row }) => row.original.tries },
    { id: 'made', header: t('Since'), meta: { from: 'md' }, cell: ({ row }) => <Time at={row.original.created_at} /> },
    {
      id: 'next',
      header: t('Next try'),
      meta: { from: 'md' },
      cell: ({ row: { original: delivery } }) =>
        delivery.next_at === null ? '—' : <Countdown to={delivery.next_at} />,
    },
    {
      id: 'actions',
      header: () => <span className="sr-only">{t('Actions')}</span>,
      cell: ({ row: { original: delivery } }) => (
        <span className="flex justify-end gap-1">
          <Button small look="quiet" onClick={() => show(delivery)}>
            {t('Tries')}
          </Button>
          {mayReplay && <Replay id={delivery.delivery_id} />}
        </span>
      ),
    },
  ];
}

function Replay({ id }: { id: string }): ReactNode {
  const { error, busy, run } = useSending(async () => {
    await post<DeliveryRow>(`/deliveries/${id}/replay`, {}).finally(() => readAgain('/deliveries'));
  });
  return (
    <>
      {error !== null && (
        <span role="alert" className="self-center text-xs text-bad">
          {errorText(error)}
        </span>
      )}
      <Button small busy={busy} onClick={run}>
        {t('Send again')}
      </Button>
    </>
  );
}

function Attempts({ delivery, onClose }: { delivery: DeliveryRow; onClose: () => void }): ReactNode {
  return (
    <Dialog
      wide
      light
      title={t('Tries to reach {host}', { host: delivery.host })}
      description={delivery.delivery_id}
      onClose={onClose}
    >
      {delivery.attempts.length === 0 ? (
        <Empty title={t('No try yet')} />
      ) : (
        <table className="data-table">
          <thead>
            <tr>
              <th scope="col">{t('Time')}</th>
              <th scope="col">{t('Answer')}</th>
              <th scope="col" className="number">
                {t('Took')}
              </th>
            </tr>
          </thead>
          <tbody>
            {delivery.attempts.map((attempt) => (
              <tr key={attempt.started_at}>
                <td>
                  <Time at={attempt.started_at} how="second" />
                </td>
                <td>
                  <Mark tone={attempt.status !== null && attempt.status < 300 ? 'good' : 'bad'}>
                    {attempt.status ?? attempt.failure}
                  </Mark>
                </td>
                <td className="number">{showMs(attempt.duration_ms)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Dialog>
  );
}

function Secret(): ReactNode {
  const me = useMe();
  const account = useAccount();
  const facts = useApi<WebhookSecretFacts | null>('/webhook-secret', useAccountQuery(), { enabled: account !== null });
  const [issued, setIssued] = useState<IssuedWebhookSecret | null>(null);
  const [asks, setAsks] = useState(false);
  const step = nextStep(facts.data ?? null);
  return (
    <Card
      title={t('Signing secret')}
      about={t('Webhooks are signed with it, so that a receiver knows that they are ours.')}
    >
      <div className="flex flex-wrap items-center justify-between gap-3 px-4 pt-1 pb-4">
        {account === null ? (
          <p className="text-muted">{t('Choose an account above.')}</p>
        ) : (
          <>
            <SecretFacts facts={facts.data ?? null} />
            {me.role !== 'viewer' && <Button onClick={() => setAsks(true)}>{t(STEPS[step].button)}</Button>}
          </>
        )}
      </div>
      <ErrorNote error={facts.error} />
      {asks && account !== null && (
        <IssueSecret
          account={account}
          step={step}
          onClose={() => setAsks(false)}
          onIssued={(secret) => {
            setAsks(false);
            setIssued(secret);
            readAgain('/webhook-secret');
          }}
        />
      )}
      {issued !== null && (
        <Dialog
          wide
          once
          title={t('Your new signing secret')}
          description={t('Copy it now. It is shown this one time.')}
          onClose={() => setIssued(null)}
        >
          <CodeBlock label={t('Signing secret')} text={issued.secret} />
          <DialogActions>
            <Button look="main" onClick={() => setIssued(null)}>
              {t('I have kept it')}
            </Button>
          </DialogActions>
        </Dialog>
      )}
    </Card>
  );
}

/** What can be done with the secret: one that nobody has seen is shown first, and replaced only after that. */
const STEPS = {
  make: { title: 'Make a signing secret', button: 'Make a secret', about: 'It is shown once.' },
  show: { title: 'Show the signing secret', button: 'Show the secret', about: 'It is shown once.' },
  rotate: {
    title: 'Rotate the signing secret',
    button: 'Rotate',
    about: 'For a while both sign, so that receivers can take the new one.',
  },
} as const;

function nextStep(facts: WebhookSecretFacts | null): keyof typeof STEPS {
  if (facts === null) return 'make';
  return facts.shown_at === null ? 'show' : 'rotate';
}

function SecretFacts({ facts }: { facts: WebhookSecretFacts | null }): ReactNode {
  if (facts === null)
    return <p className="text-muted">{t('There is none yet; it is made with the first webhook, or here.')}</p>;
  return (
    <p>
      {t('Version {version}, made', { version: facts.version })} <Distance at={facts.created_at} />
      {facts.old_retires_at !== null && (
        <span className="ml-2 text-warn">
          {t('the one before it signs for another')} <Countdown to={facts.old_retires_at} />
        </span>
      )}
    </p>
  );
}

interface IssueProperties {
  readonly account: string;
  readonly step: keyof typeof STEPS;
  readonly onClose: () => void;
  readonly onIssued: (secret: IssuedWebhookSecret) => void;
}

function IssueSecret({ account, step, onClose, onIssued }: IssueProperties): ReactNode {
  const me = useMe();
  return (
    <Confirm
      title={t(STEPS[step].title)}
      description={t(STEPS[step].about)}
      action={t(STEPS[step].button)}
      look="main"
      act={async () =>
        onIssued(
          await post<IssuedWebhookSecret>('/webhook-secret', me.role === 'operator' ? { account_id: account } : {}),
        )
      }
      onClose={onClose}
    />
  );
}
