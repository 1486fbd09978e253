/** The converted graphs beside a float64 reference, stage by stage; and faults of other ports, which must show. */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { createLogMel } from '../features/log-mel.ts';
import {
  convertTiny,
  GOLDENS,
  goldenOracle,
  temporaryFolder,
  tinyTensors,
  type Tensors,
} from '../tiny.test-checkpoint.ts';
import { formerConfig, formerTensors, inNeighbours } from '../tiny.test-layouts.ts';
import { compareWithOracle, type Oracle, type OracleDifferences } from './oracle.ts';

const FULL = process.env['EARSHOT_TEST_FULL'] === '1';
/** The others take longer and show the same; the full tests have them. */
const QUICK_SAMPLES = new Set([1, 161, 960, 1119, 1121, 1280, 1281, 2559, 12_800, 48_007]);
const OPTIONS = { threads: 1 };

const folder = temporaryFolder();
after(() => folder[Symbol.dispose]());

const models = new Map<number, Promise<string>>();
function modelOf(seed: number): Promise<string> {
  const made = models.get(seed) ?? convertTiny(folder.path, `seed-${seed}`, tinyTensors(seed));
  models.set(seed, made);
  return made;
}

const cases = GOLDENS.cases.filter(({ samples }) => FULL || QUICK_SAMPLES.has(samples));
for (const golden of cases) {
  test(`seed ${golden.seed}, ${golden.samples} samples: every stage and every step agrees with the reference`, async () => {
    const differences = await compareWithOracle(await modelOf(golden.seed), goldenOracle(golden), OPTIONS);
    assertEqual(differences);
  });
}

test('the former layout gives the numbers of the reference too', async () => {
  const model = await convertTiny(folder.path, 'former', formerTensors(tinyTensors(1)), { config: formerConfig() });
  assertEqual(await compareWithOracle(model, oracle(), OPTIONS));
});

const FAULTS: readonly {
  readonly fault: string;
  readonly stage: 'mel' | 'encoder' | 'logits';
  readonly compare: () => Promise<OracleDifferences>;
}[] = [
  { fault: 'no rotary positions', stage: 'encoder', compare: () => withRotaryShare(0) },
  { fault: 'rotary positions over the whole head', stage: 'encoder', compare: () => withRotaryShare(1) },
  {
    fault: 'neighbours paired in weights that are paired in halves',
    stage: 'encoder',
    compare: () =>
      convertedWith(
        'neighbours',
        formerTensors(tinyTensors(1), (rows) => rows),
        formerConfig(),
      ),
  },
  {
    fault: 'halves paired in weights that are paired as neighbours',
    stage: 'encoder',
    compare: () => convertedWith('halves', inNeighbours(tinyTensors(1))),
  },
  { fault: 'no bias of the values', stage: 'encoder', compare: () => convertedWith('no-bias', withoutValueBias()) },
  {
    fault: 'a transform of 512 points',
    stage: 'mel',
    compare: async () =>
      compareWithOracle(await modelOf(1), oracle(), {
        ...OPTIONS,
        extract: createLogMel({ bands: 128, transformSamples: 512 }),
      }),
  },
  {
    fault: 'a prompt without its line breaks',
    stage: 'logits',
    compare: async () => compareWithOracle(await modelOf(1), withoutLineBreaks(oracle()), OPTIONS),
  },
];

for (const { fault, stage, compare } of FAULTS) {
  test(`${fault}: the comparison shows it`, async () => {
    const differences = await compare();
    assert.ok(differences[stage] > 0.01, JSON.stringify(differences));
    assert.ok(differences.logits > 0.01, JSON.stringify(differences));
  });
}

function oracle(): Oracle {
  const golden = GOLDENS.cases.find(({ seed, samples }) => seed === 1 && samples === 12_800);
  assert.ok(golden !== undefined);
  return goldenOracle(golden);
}

function assertEqual({ mel, encoder, projector, logits, ids_equal: idsEqual }: OracleDifferences): void {
  assert.ok(mel <= 1e-5, `mel ${mel}`);
  assert.ok(encoder <= 1e-4, `encoder ${encoder}`);
  assert.ok(projector <= 1e-4, `projector ${projector}`);
  assert.ok(logits <= 1e-4, `logits ${logits}`);
  assert.equal(idsEqual, true);
}

async function convertedWith(name: string, tensors: Tensors, config: object = GOLDENS.config) {
  return compareWithOracle(await convertTiny(folder.path, name, tensors, { config }), oracle(), OPTIONS);
}

function withRotaryShare(share: number): Promise<OracleDifferences> {
  const { audio_config: audio } = GOLDENS.config;
  const config = { ...GOLDENS.config, audio_config: { ...audio, partial_rotary_factor: share } };
  return convertedWith(`rotary-${share}`, tinyTensors(1), config);
}

function withoutValueBias(): Tensors {
  const tensors = tinyTensors(1);
  for (const [name, { shape, data }] of tensors) {
    if (name.endsWith('v_proj.bias')) tensors.set(name, { shape, data: new Float32Array(data.length) });
  }
  return tensors;
}

function withoutLineBreaks({ prompt, ...rest }: Oracle): Oracle {
  const lineBreak = 10;
  const without = (tokens: readonly number[]): number[] => tokens.filter((token) => token !== lineBreak);
  return { ...rest, prompt: { before: without(prompt.before), after: without(prompt.after) } };
}
