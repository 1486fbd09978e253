/** A call that can be pasted as it is: the recording is the one that every server brings along. */
export function firstCall(base: string, key: string, model = 'glm/glm-asr-2512'): string {
  return [
    `curl -s ${base}/docs/sample.mp3 |`,
    `curl ${base}/v1/audio/transcriptions`,
    `-H "Authorization: Bearer ${key}"`,
    `-F "model=${model}"`,
    `-F "file=@-;filename=sample.mp3"`,
  ].join(' \\\n  ');
}
