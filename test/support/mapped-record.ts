import assert from 'node:assert/strict';
import type { RecordBytes } from '../../src/route/record-bytes.js';
import { MAPPED, PropertiesWriter, type PublishShape } from '../../src/route/to-mqtt.js';
import { encodePublish, parts } from './publish-packets.js';
import { type PublishValues, readStrictly } from './strict-publish.js';

/* What route/to-mqtt.ts makes of a record, read by a reader that shares nothing with it. */

export interface Mapped extends PublishValues {
  readonly leftOut: number;
}

/** The PUBLISH of a record that is to be published, at QoS 1 to the topic `t`. */
export function mapped(writer: PropertiesWriter, record: RecordBytes, nowMs = 0): Mapped {
  assert.equal(writer.write(record, nowMs), MAPPED);
  const { payloadStart, payloadBytes } = record;
  const bare = encodePublish(
    parts({
      topic: Buffer.from('t'),
      retain: writer.retain,
      properties: propertiesOf(writer.bytes.subarray(0, writer.length)),
      payload: Buffer.from(record.bytes.subarray(payloadStart, payloadStart + payloadBytes)),
    }),
  );
  const values = readStrictly(bare);
  assert.ok(typeof values !== 'string', String(values));
  return { ...values, leftOut: writer.leftOut };
}

/** All of it as one part: the reader is to find out what it holds. */
function propertiesOf(bytes: Uint8Array): [number, Uint8Array][] {
  return bytes.length === 0 ? [] : [[bytes[0] as number, bytes.subarray(1)]];
}

export const PUBLISHED_THROUGH = 'edge/commands';

export function writerOf(changes: Partial<PublishShape> = {}): PropertiesWriter {
  return new PropertiesWriter({
    copyMqttProperties: true,
    retain: 'keep',
    loopGuard: true,
    through: PUBLISHED_THROUGH,
    ...changes,
  });
}
