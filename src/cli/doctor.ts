import { EXIT, JSON_OPTION, printResult, type Command } from './command.ts';

/** One thing that must be right before earshot works here. */
export interface Check {
  readonly name: string;
  /** Gives a sentence on what was found; throws where it is not right. */
  readonly run: () => Promise<string>;
}

/** @param checks what is looked at; `live` also asks the engines on the network. */
export function doctorCommand(checks: (live: boolean) => Promise<readonly Check[]>): Command {
  return {
    name: 'doctor',
    summary:
      'Says what is configured, what works, and what is missing and how to get it; exit code 1 where something is missing.',
    options: {
      live: { help: 'asks the engines on the network too, with one second of speech' },
      json: JSON_OPTION,
    },
    example: 'earshot doctor --live',
    async run(input, terminal) {
      const findings: { name: string; ok: boolean; finding: string }[] = [];
      for (const { name, run } of await checks(input.flag('live'))) {
        findings.push(
          await run().then(
            (finding) => ({ name, ok: true, finding }),
            (error: unknown) => ({ name, ok: false, finding: reasonOf(error) }),
          ),
        );
      }
      const ok = findings.every((finding) => finding.ok);
      const lines = findings.map(
        (finding) => `${finding.ok ? 'ok     ' : 'MISSING'}  ${finding.name}: ${finding.finding}`,
      );
      printResult(input, terminal, { ok, checks: findings }, lines);
      return ok ? EXIT.ok : EXIT.failed;
    },
  };
}

/** The most exact sentence that an error has: the detail of an `AppError` is for the operator, who is reading this. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'detail' in error && typeof error.detail === 'string' ? error.detail : error.message;
}
