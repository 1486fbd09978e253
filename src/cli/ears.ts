/** What commands hear with: everything of the flow besides money and keys. */
import type { Decoder } from '../audio/decode/decode.ts';
import type { AudioOpener } from '../audio/open.ts';
import type { Recognizer } from '../recognize/recognize.ts';

/** Which engine is to hear: one by its name, or those of a model in their order. */
export interface EngineChoice {
  readonly engine: string | null;
  readonly model: string | null;
}

export interface ChosenEars extends AsyncDisposable {
  readonly opener: AudioOpener;
  readonly decoder: Decoder;
  readonly recognizer: Recognizer;
  /** The model that the choice comes to. */
  readonly model: string;
  /** Resolves once every model is loaded, so that loading counts for no recording. */
  readonly started: Promise<unknown>;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}
