/** Writers of containers, for files that no encoder would make. */

export function bytes(...parts: readonly (string | number | readonly number[] | Uint8Array)[]): Buffer {
  return Buffer.concat(
    parts.map((part) =>
      typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(typeof part === 'number' ? [part] : part),
    ),
  );
}

export function bigEndian(value: number | bigint, byteCount: number): Buffer {
  return Buffer.from(
    BigInt(value)
      .toString(16)
      .padStart(byteCount * 2, '0'),
    'hex',
  );
}

export function littleEndian(value: number | bigint, byteCount: number): Buffer {
  return bigEndian(value, byteCount).reverse();
}

/** A RIFF chunk, or one that claims another size than it has. */
export function chunk(name: string, content: Uint8Array, claimedBytes = content.length): Buffer {
  return bytes(name, littleEndian(claimedBytes, 4), content);
}

/** An MP4 box, or one that claims another size than it has. */
export function box(type: string, content: Uint8Array, claimedBytes = content.length + 8): Buffer {
  return bytes(bigEndian(claimedBytes, 4), type, content);
}

/** A Matroska element, or one that claims another size than it has; `Infinity` for one whose size is left open. */
export function element(id: number, content: Uint8Array, claimedBytes = content.length): Buffer {
  const size = claimedBytes === Infinity ? [0xff] : bigEndian(BigInt(claimedBytes) | (1n << 56n), 8);
  return bytes(Buffer.from(id.toString(16), 'hex'), size, content);
}

export interface OggPage {
  /** 1: goes on with a packet, 2: first of its stream, 4: last. */
  readonly flags: number;
  readonly granule: bigint;
  readonly serial: number;
  readonly sequence: number;
  readonly packets: readonly Uint8Array[];
  /** The last packet goes on on the next page: its length has to be a multiple of 255. */
  readonly goesOn?: boolean;
}

export function oggPage({ flags, granule, serial, sequence, packets, goesOn = false }: OggPage): Buffer {
  const lacing = packets.flatMap((packet, index) => {
    const full = Array.from({ length: Math.floor(packet.length / 255) }, () => 255);
    return goesOn && index === packets.length - 1 ? full : [...full, packet.length % 255];
  });
  const head = bytes('OggS', 0, flags, littleEndian(BigInt.asUintN(64, granule), 8), littleEndian(serial, 4));
  return bytes(head, littleEndian(sequence, 4), [0, 0, 0, 0], lacing.length, lacing, ...packets);
}

/** An ID3v2 tag with a body of so many bytes behind this header. */
export function id3Header(bodyBytes: number): Buffer {
  return bytes(
    'ID3',
    [4, 0, 0],
    [21, 14, 7, 0].map((shift) => (bodyBytes >> shift) & 0x7f),
  );
}

const FLAC_SAMPLES_EACH = 65_535;

/** FLAC frames of digital silence at 16 kHz, mono: four seconds in fifteen bytes, by one constant for each frame. */
export function silentFlac(byteCount: number): Buffer {
  const frames: Buffer[] = [flacHead(0)];
  for (let length = 42, number = 0; length < byteCount; number += 1) {
    const head = bytes([0xff, 0xf8, 0x75, 0x02], flacNumber(number), bigEndian(FLAC_SAMPLES_EACH - 1, 2));
    const body = bytes(head, crc(head, 0x07, 8), [0x00, 0x00]);
    const frame = bytes(body, bigEndian(crc(body, 0x80_05, 16), 2));
    frames.push(frame);
    length += frame.length;
  }
  return Buffer.concat(frames);
}

/** `fLaC` and a STREAMINFO for 16 kHz, mono, 8 bits, with so many samples. */
export function flacHead(sampleCount: number): Buffer {
  const rateChannelsBits = (16_000n << 44n) | (7n << 36n) | BigInt(sampleCount);
  return bytes(
    'fLaC',
    [0x80, 0, 0, 34],
    [0xff, 0xff, 0xff, 0xff],
    Buffer.alloc(6),
    bigEndian(rateChannelsBits, 8),
    Buffer.alloc(16),
  );
}

/** A number in the manner of UTF-8. */
function flacNumber(value: number): Buffer {
  if (value < 0x80) return bytes(value);
  let tail = 1;
  while (value >= 2 ** (6 * tail + 6 - tail)) tail += 1;
  const rest = Array.from({ length: tail }, (_, index) => 0x80 | ((value >> (6 * (tail - 1 - index))) & 0x3f));
  return bytes(((0xff00 >> (tail + 1)) & 0xff) | (value >> (6 * tail)), rest);
}

function crc(content: Uint8Array, polynomial: number, width: 8 | 16): number {
  const top = 1 << (width - 1);
  return content.reduce((start, byte) => {
    let value = start ^ (byte << (width - 8));
    for (let bit = 0; bit < 8; bit += 1) value = (value & top) === 0 ? value << 1 : (value << 1) ^ polynomial;
    return value & (2 ** width - 1);
  }, 0);
}
