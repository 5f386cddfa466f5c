/* What the requests and responses of Kafka's protocol are written with and cut apart by: numbers are
 * big-endian, and each frame begins with its length. */

const LENGTH_BYTES = 4;

export function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

/** A string that is not null. */
export function text(value: string): Buffer {
  return Buffer.concat([int16(Buffer.byteLength(value)), Buffer.from(value)]);
}

export function frame(body: Buffer): Buffer {
  return Buffer.concat([int32(body.length), body]);
}

/** Takes what a socket has received; calls `onFrame` with each whole frame, without its length. */
export function framesOf(onFrame: (body: Buffer) => void): (chunk: Buffer) => void {
  let buffered = Buffer.alloc(0);
  return (chunk) => {
    buffered = Buffer.concat([buffered, chunk]);
    while (buffered.length >= LENGTH_BYTES) {
      const end = LENGTH_BYTES + buffered.readUInt32BE(0);
      if (buffered.length < end) return;
      onFrame(buffered.subarray(LENGTH_BYTES, end));
      buffered = buffered.subarray(end);
    }
  };
}
