/** The few parts of the protobuf wire format that an ONNX model needs, as bytes. */

const WIRE = { varint: 0, bytes: 2, fixed32: 5 } as const;

/** A message under construction. Fields come out in the order in which they were added. */
export class Message {
  readonly #parts: Uint8Array[] = [];

  integer(field: number, value: number): this {
    return this.#tag(field, WIRE.varint).#add(varint(value));
  }

  float(field: number, value: number): this {
    return this.#tag(field, WIRE.fixed32).#add(new Uint8Array(Float32Array.of(value).buffer));
  }

  bytes(field: number, value: Uint8Array): this {
    return this.#tag(field, WIRE.bytes).#add(varint(value.length)).#add(value);
  }

  text(field: number, value: string): this {
    return this.bytes(field, Buffer.from(value, 'utf8'));
  }

  message(field: number, value: Message): this {
    return this.bytes(field, value.toBytes());
  }

  toBytes(): Uint8Array {
    return Buffer.concat(this.#parts);
  }

  #tag(field: number, wire: number): this {
    return this.#add(varint(field * 8 + wire));
  }

  #add(bytes: Uint8Array): this {
    this.#parts.push(bytes);
    return this;
  }
}

/** Negative numbers take ten bytes, as those of a 64-bit integer do. */
function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 0x80 : low);
  } while (rest > 0n);
  return Uint8Array.from(bytes);
}
