/** A bar on a terminal for work whose share is known; nothing where the output goes into a file or a pipe. */

export interface ShareStream {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

export interface Share extends Disposable {
  /** @param share what is done, 0 to 1. */
  show(share: number): void;
}

const CELLS = 40;
const CLEAR_LINE = '\r\u001B[2K';

export function startShare(stream: ShareStream): Share {
  if (stream.isTTY !== true) return { show() {}, [Symbol.dispose]() {} };
  let shown = '';
  return {
    show(share) {
      const full = Math.round(share * CELLS);
      const line = `${'█'.repeat(full)}${'░'.repeat(CELLS - full)} ${Math.floor(share * 100)} %`;
      if (line === shown) return;
      shown = line;
      stream.write(CLEAR_LINE + line);
    },
    [Symbol.dispose]() {
      if (shown !== '') stream.write(CLEAR_LINE);
      shown = '';
    },
  };
}
