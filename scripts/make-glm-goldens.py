#!/usr/bin/python3
"""Writes fixtures/glm/goldens.json: what a float64 reference of GLM-ASR-Nano gives for tiny seeded checkpoints.

  make-glm-goldens.py REFERENCE.py

REFERENCE.py is a numpy implementation with CONFIG, parameter_shapes, log_mel and the class Reference. The weights come from
the generator below, which src/engines/glm/tiny.test-checkpoint.ts repeats value by value. Needs numpy.
"""
import base64, importlib.util, json, math, sys
from pathlib import Path
import numpy as np

STEPS = 6
PICKS = 128
PROMPT = {"before": [80, 10, 95], "after": [93, 80, 10, 33, 34, 35, 81, 10]}
ALL = [1, 159, 160, 161, 319, 320, 321, 959, 960, 961, 1119, 1121, 1279, 1280, 1281, 2559, 2560, 2561, 3839, 3841, 12800, 48007, 480000]
CASES = [(1, n) for n in ALL] + [(2, n) for n in (1, 1281, 12800)] + [(3, n) for n in (161, 2559, 48007)]


def stream(seed):
    """xorshift32, as values in [-1, 1)."""
    state = (seed * 2654435761) & 0xFFFFFFFF
    while True:
        state ^= (state << 13) & 0xFFFFFFFF
        state ^= state >> 17
        state ^= (state << 5) & 0xFFFFFFFF
        yield state / 2147483648 - 1


def weights(reference, seed):
    values = stream(seed)
    tensors = {}
    for name, shape in reference.parameter_shapes(reference.CONFIG):
        count = math.prod(shape)
        uniform = np.fromiter((next(values) for _ in range(count)), np.float64, count).reshape(shape)
        if "norm" in name and name.endswith("weight"):
            value = 1 + 0.5 * uniform
        elif name.endswith("bias"):
            value = 0.35 * uniform
        else:
            value = uniform * math.sqrt(3 / math.prod(shape[1:]))
        tensors[name] = value.astype(np.float32).astype(np.float64)
    return tensors


def sound(seed, samples):
    values = stream(seed + 1000)
    noise = np.fromiter((next(values) for _ in range(samples)), np.float64, samples)
    t = np.arange(samples) / 16000
    swept = np.sin(2 * math.pi * (200 + 300 * (t % 3)) * t) * (0.5 + 0.5 * np.sin(2 * math.pi * 3 * t))
    return (0.3 * swept + 0.02 * noise).astype(np.float32).astype(np.float64)


def encoded(values):
    return base64.b64encode(np.asarray(values, "<f4").tobytes()).decode()


def picked(array):
    flat = array.reshape(-1)
    picks = [(index * 7919) % len(flat) for index in range(min(PICKS, len(flat)))] if len(flat) else []
    return {"count": len(flat), "picks": encoded(flat[picks] if picks else [])}


def run(reference, model, seed, samples):
    audio = sound(seed, samples)
    window = -(-samples // 1280) * 1280
    audio_tokens = -(-(-(-samples // 160)) // 2) // 4
    mel = reference.log_mel(audio, window)
    states = model.encode(mel)
    projected = model.project(states, audio_tokens)
    embed = model.w["language_model.model.embed_tokens.weight"]
    sequence = np.concatenate([embed[PROMPT["before"]], projected, embed[PROMPT["after"]]])
    ids, rows = [], []
    for _ in range(STEPS):
        rows.append(model.logits(sequence)[-1])
        ids.append(int(rows[-1].argmax()))
        sequence = np.concatenate([sequence, embed[ids[-1:]]])
    return {"seed": seed, "samples": samples, "window_samples": window, "audio_tokens": audio_tokens, "token_ids": ids,
            "mel": picked(mel), "encoder": picked(states), "projector": picked(projected), "logits": encoded(np.stack(rows))}


spec = importlib.util.spec_from_file_location("reference", sys.argv[1])
reference = importlib.util.module_from_spec(spec)
spec.loader.exec_module(reference)
models = {seed: reference.Reference(reference.CONFIG, weights(reference, seed)) for seed in {seed for seed, _ in CASES}}
cases = [run(reference, models[seed], seed, samples) for seed, samples in CASES]
target = Path(__file__).parent.parent / "fixtures/glm/goldens.json"
lines = ",\n".join(json.dumps(case) for case in cases)
target.write_text(f'{{"config": {json.dumps(reference.CONFIG)},\n"prompt": {json.dumps(PROMPT)},\n"cases": [\n{lines}\n]}}\n')
print(target, target.stat().st_size)
