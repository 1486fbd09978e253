/** The process behind `pool.test.ts`: each kind of job behaves well or badly in one way. */
import { connect } from 'node:net';
import { AppError } from '../core/errors.ts';
import { serveJobs, type JobContext } from './serve-jobs.ts';

export type TestJob =
  | { kind: 'echo'; value: unknown }
  | { kind: 'identify' }
  | { kind: 'exit'; code: number }
  | { kind: 'refuse' }
  | { kind: 'stumble' }
  | { kind: 'hold-memory'; bytes: number }
  | { kind: 'block' }
  | { kind: 'wait' }
  | { kind: 'collect-messages' }
  | { kind: 'work-on'; turns: number; cpuMsEach: number; withNotes: boolean }
  | { kind: 'connect'; port: number }
  | { kind: 'connect-and-block'; port: number };

export interface TestSetup {
  readonly fails: boolean;
}

async function work(job: unknown, context: JobContext): Promise<unknown> {
  const request = job as TestJob;
  switch (request.kind) {
    case 'echo':
      return request.value;
    case 'identify':
      return { pid: process.pid, environment: environment(), flags: process.execArgv };
    case 'exit':
      return process.exit(request.code);
    case 'refuse':
      throw new AppError('audio_not_decodable', { message: 'A public sentence.', param: 'a.b', detail: 'inside' });
    case 'stumble':
      throw new TypeError('a bug');
    case 'hold-memory': {
      const held = Buffer.alloc(request.bytes, 1);
      await canceled(context);
      return held.length;
    }
    case 'block':
      context.note('blocking');
      // The note leaves with the next turn of the event loop; after that this process answers nothing.
      await new Promise((resolve) => setImmediate(resolve));
      for (;;);
    case 'wait':
      context.note(process.pid);
      return canceled(context);
    case 'collect-messages':
      return collect(context);
    case 'connect': {
      const socket = connect(request.port, '127.0.0.1', () => socket.write(String(process.pid)));
      return canceled(context);
    }
    case 'connect-and-block': {
      const socket = connect(request.port, '127.0.0.1');
      await new Promise<void>((sent) => socket.write(String(process.pid), () => sent()));
      for (;;);
    }
    case 'work-on':
      for (let turn = 0; turn < request.turns; turn += 1) {
        useProcessor(request.cpuMsEach);
        if (request.withNotes) context.note(turn);
        await new Promise((resolve) => setImmediate(resolve));
      }
      return request.turns;
  }
}

function useProcessor(milliseconds: number): void {
  const start = process.cpuUsage();
  for (let used = 0; used < milliseconds * 1000;) {
    const { user, system } = process.cpuUsage(start);
    used = user + system;
  }
}

/** Everything that the process was given, as its own diagnostic report lists it. */
function environment(): string[] {
  const report = process.report.getReport() as unknown as { environmentVariables: Record<string, string> };
  return Object.keys(report.environmentVariables);
}

function canceled(context: JobContext): Promise<never> {
  return new Promise((_, reject) => {
    context.signal.addEventListener('abort', () => reject(context.signal.reason), { once: true });
  });
}

/** Answers each message with a note, so that the parent's next message surely comes while the job runs. */
async function collect(context: JobContext): Promise<unknown[]> {
  const messages: unknown[] = [];
  await new Promise<void>((resolve) => {
    context.onMessage((message) => {
      if (message === 'end') return resolve();
      messages.push(message);
      context.note(message);
    });
  });
  return messages;
}

serveJobs(async (setup) => {
  if ((setup as TestSetup).fails) throw new Error('the set-up is broken');
  return work;
});
