import assert from 'node:assert/strict';
import {
  FRAME_DEADLINE_HIGH,
  FRAME_DEADLINE_LOW,
  FRAME_FLAGS,
  FRAME_HEADER_BYTES,
  FRAME_HEADER_COUNT,
  FRAME_KEY_BYTES,
  type FrameRecord,
  HEADER_ENTRY_BYTES,
  NULL_KEY,
  readFrame,
} from '../../src/channel/frame.js';
import { hop } from '../../src/route/origin.js';
import {
  frameBytesMax,
  type PublishBytes,
  planRecords,
  type RecordShape,
  writeFrame,
} from '../../src/route/to-kafka.js';
import { publishOf } from './lane.js';
import { encodePublish, type PublishParts } from './publish-packets.js';

/* A record as route/to-kafka.ts writes it, read back. */

const CANARY = 0xa5;
const OFFSET = 64;
const SLACK_BYTES = 64;

export const THROUGH = hop('edge', 'temperatures');

export function shape(changes: Partial<RecordShape> = {}): RecordShape {
  return {
    routeIndex: 3,
    keyIsTopic: false,
    keyProperty: undefined,
    copyMqttProperties: true,
    preserveTopic: true,
    loopGuard: true,
    through: THROUGH,
    ...changes,
  };
}

export interface WrittenRecord {
  readonly record: FrameRecord;
  readonly key: string | undefined;
  /** Names and values in order, values as text. */
  readonly headers: readonly (readonly [string, string])[];
  /** Names of the headers whose value the addon writes. */
  readonly computed: readonly string[];
  readonly flags: number;
  readonly deadlineMs: number;
  readonly frameBytesMax: number;
}

export interface WriteOptions {
  /** How many bytes before the packet: decides how its payload is aligned. */
  readonly shift?: number;
  readonly deadlineMs?: number;
  readonly slab?: Uint8Array;
  readonly slabOffset?: number;
}

/** Writes the record of a PUBLISH and reads it back; fails when it writes outside of its place. */
export function writeRecord(
  recordShape: RecordShape,
  parts: PublishParts,
  options: WriteOptions = {},
): WrittenRecord {
  const publish = publishOf(encodePublish(parts), options.shift ?? 0);
  assert.ok(publish?.topic !== undefined, 'the lane reads the packet, which has a topic name');
  if (options.slabOffset !== undefined) publish.slabOffset = options.slabOffset;
  return writePublish(recordShape, publish, publish.topic.bytes, options);
}

function writePublish(
  recordShape: RecordShape,
  publish: PublishBytes,
  topic: Uint8Array,
  options: WriteOptions,
): WrittenRecord {
  const plan = planRecords(recordShape, topic);
  const bytesMax = frameBytesMax(plan, publish);
  assert.equal(bytesMax % 8, 0);
  const memory = new ArrayBuffer(OFFSET + bytesMax + SLACK_BYTES);
  const bytes = new Uint8Array(memory).fill(CANARY);
  const words = new Int32Array(memory);
  const deadlineMs = options.deadlineMs ?? 0;
  const frameBytes = writeFrame(
    { bytes, words, view: new DataView(bytes.buffer) },
    OFFSET,
    plan,
    publish,
    77,
    5,
    deadlineMs,
  );
  assert.equal(frameBytes % 8, 0);
  assert.ok(frameBytes <= bytesMax, `${frameBytes} bytes, at most ${bytesMax} foretold`);
  const outside = [...bytes.subarray(0, OFFSET), ...bytes.subarray(OFFSET + bytesMax)];
  assert.ok(
    outside.every((byte) => byte === CANARY),
    'nothing is written outside',
  );
  const frame = bytes.subarray(OFFSET, OFFSET + frameBytes);
  const record = readFrame(frame, options.slab ?? new Uint8Array(0));
  const word = (index: number) => words[OFFSET / 4 + index] as number;
  return {
    record,
    key: record.key === null ? undefined : Buffer.from(record.key).toString(),
    headers: record.headers.map(([name, value]) => [name, Buffer.from(value).toString()] as const),
    computed: computedHeaders(frame),
    flags: word(FRAME_FLAGS) & 0xffff,
    deadlineMs: word(FRAME_DEADLINE_HIGH) * 2 ** 32 + (word(FRAME_DEADLINE_LOW) >>> 0),
    frameBytesMax: bytesMax,
  };
}

function computedHeaders(frame: Uint8Array): string[] {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const keyBytes = view.getUint32(FRAME_KEY_BYTES * 4, true);
  let at = FRAME_HEADER_BYTES + (keyBytes === NULL_KEY ? 0 : keyBytes);
  const names: string[] = [];
  for (let i = view.getUint32(FRAME_HEADER_COUNT * 4, true); i > 0; i--) {
    const nameEnd = at + HEADER_ENTRY_BYTES + view.getUint16(at, true);
    const computed = view.getUint16(at + 2, true) === 1;
    if (computed)
      names.push(Buffer.from(frame.subarray(at + HEADER_ENTRY_BYTES, nameEnd)).toString());
    at = nameEnd + view.getUint32(at + 4, true);
  }
  return names;
}
