import type { Command, Terminal } from './command.ts';

export interface ServeWords {
  readonly port: string | undefined;
  readonly host: string | undefined;
}

/** Runs until it is told to stop; `serve` is the composition of everything, so main gives it. */
export function serveCommand(serve: (words: ServeWords, terminal: Terminal) => Promise<number>): Command {
  return {
    name: 'serve',
    summary: 'Serves the API until SIGTERM; prints its address once it is ready.',
    options: {
      port: { value: 'N', help: 'the port, 0 for a free one; default PORT or 8080' },
      host: { value: 'H', help: 'the address to listen on; default HOST or 127.0.0.1' },
    },
    example: 'earshot serve --port 8080',
    run: (input, terminal) => serve({ port: input.option('port'), host: input.option('host') }, terminal),
  };
}
