import { connect } from 'node:net';
import { frame, framesOf, int16, int32, text } from './kafka-wire.js';

/* The headers of the first record of a topic with one partition, byte for byte: node-rdkafka gives
 * their values as text. A Fetch request of Kafka's protocol, version 4, by hand. */

const FETCH = 1;
const VERSION = 4;
const RECORDS_OF_BATCH = 61;

export type RawHeader = readonly [name: Buffer, value: Buffer | null];

export async function fetchHeaders(bootstrap: string, topic: string): Promise<RawHeader[]> {
  const [host = '', port = ''] = bootstrap.split(':');
  const response = await exchange(host, Number(port), fetchRequest(topic));
  // Correlation id, throttle time, one topic with its name, one partition with its index.
  let at = 4 + 4 + 4;
  at += 2 + response.readInt16BE(at) + 4 + 4;
  const error = response.readInt16BE(at);
  if (error !== 0) throw new Error(`Fetch answers with error ${error}`);
  at += 2 + 8 + 8;
  const aborted = response.readInt32BE(at);
  at += 4 + Math.max(aborted, 0) * 16;
  const batch = response.subarray(at + 4, at + 4 + response.readInt32BE(at));
  return headersOf(batch.subarray(RECORDS_OF_BATCH));
}

function headersOf(record: Buffer): RawHeader[] {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = record[at++] as number;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (value >>> 1) ^ -(value & 1);
    }
  };
  const bytes = (): Buffer | null => {
    const length = varint();
    if (length < 0) return null;
    at += length;
    return record.subarray(at - length, at);
  };
  varint();
  at++;
  varint();
  varint();
  bytes();
  bytes();
  return Array.from({ length: varint() }, () => [bytes() ?? Buffer.alloc(0), bytes()] as const);
}

function fetchRequest(topic: string): Buffer {
  const parts = [
    int16(FETCH),
    int16(VERSION),
    int32(1),
    int16(-1),
    // Replica, longest wait, least and most bytes, isolation level.
    int32(-1),
    int32(1000),
    int32(1),
    int32(1 << 20),
    Buffer.from([0]),
    int32(1),
    text(topic),
    int32(1),
    int32(0),
    Buffer.alloc(8),
    int32(1 << 20),
  ];
  return frame(Buffer.concat(parts));
}

/** Sends a request and reads its whole response, without the length before it. */
function exchange(host: string, port: number, request: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, host, () => socket.write(request));
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('Kafka closed the connection')));
    const onResponse = (response: Buffer) => {
      resolve(response);
      socket.destroy();
    };
    socket.on('data', framesOf(onResponse));
  });
}
