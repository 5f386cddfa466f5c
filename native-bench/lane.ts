/* What it costs to make a frame of a PUBLISH of QoS 1: by the fast lane, and by mqtt-packet with the
 * same frame written from its object.
 *   node dist/native-bench/lane.js [--rounds N] [--json]
 */
import { parseArgs } from 'node:util';
import { parser as createParser, generate, type IPublishPacket } from 'mqtt-packet';
import { spreadOf } from '../src/bench/report/spread.js';
import { FRAME_HEADER_BYTES } from '../src/channel/frame.js';
import { TOPICS_CACHED_BYTES_MAX } from '../src/config/limits.js';
import { Publish } from '../src/mqtt/receive/publish.js';
import { LANE_READ, readPublish } from '../src/mqtt/receive/publish-lane.js';
import { type Topic, TopicCache } from '../src/mqtt/receive/topic-cache.js';
import {
  planRecords,
  type RecordPlan,
  type RecordShape,
  writeFrame,
} from '../src/route/to-kafka.js';

const PAYLOAD_BYTES = 200;
/** Packets in one chunk, as a socket would give them. */
const PACKETS = 1000;
const CHUNKS = 200;
const TOPICS = 100;
const FRAME_BYTES_MAX = 2048;

function chunkOf(userProperties: number): Buffer {
  const payload = Buffer.alloc(PAYLOAD_BYTES, 'r');
  const packets = Array.from({ length: PACKETS }, (_, n) =>
    generate(
      {
        cmd: 'publish',
        topic: `plant/${n % TOPICS}/temperature`,
        payload,
        qos: 1,
        dup: false,
        retain: false,
        messageId: n + 1,
        properties: {
          subscriptionIdentifier: 77,
          ...(userProperties > 0 && {
            userProperties: Object.fromEntries(
              Array.from({ length: userProperties }, (_, p) => [`property-${p}`, `value-${p}`]),
            ),
          }),
        },
      },
      { protocolVersion: 5 },
    ),
  );
  return Buffer.concat(packets);
}

function shapeOf(copyMqttProperties: boolean): RecordShape {
  return {
    routeIndex: 0,
    keyIsTopic: true,
    keyProperty: undefined,
    copyMqttProperties,
    preserveTopic: true,
    loopGuard: true,
    through: 'bench/route',
  };
}

const frames = {
  bytes: new Uint8Array(FRAME_BYTES_MAX),
  words: new Int32Array(0),
  view: new DataView(new ArrayBuffer(0)),
};
frames.words = new Int32Array(frames.bytes.buffer);
frames.view = new DataView(frames.bytes.buffer);

/** The data path: lane, topic cache, plan, frame. Returns how many packets it found. */
function openLane(chunk: Buffer, copyMqttProperties: boolean): () => number {
  const memory = new ArrayBuffer((chunk.length + 8) & ~7);
  const publish = new Publish(new Uint8Array(memory), new Int32Array(memory));
  publish.bytes.set(chunk);
  const topics = new TopicCache(1024, TOPICS_CACHED_BYTES_MAX, 1);
  const shape = shapeOf(copyMqttProperties);
  const end = chunk.length;
  return () => {
    const { bytes } = publish;
    let count = 0;
    for (let at = 0; at < end; count++) {
      const firstByte = bytes[at] as number;
      let length = 0;
      let position = at + 1;
      for (let shift = 0; ; shift += 7) {
        const byte = bytes[position++] as number;
        length |= (byte & 0x7f) << shift;
        if (byte < 0x80) break;
      }
      const packetEnd = position + length;
      if (readPublish(firstByte, position, packetEnd, end, publish) !== LANE_READ) {
        throw new Error('not for the lane');
      }
      const topic = topics.find(bytes, publish.topicStart, publish.topicEnd) as Topic;
      if (topic.derivedOf(0) === undefined) topic.keep(0, planRecords(shape, topic.bytes), 0);
      const plan = topic.derivedOf(0) as RecordPlan;
      writeFrame(frames, 0, plan, publish, count, 0, 0);
      at = packetEnd;
    }
    return count;
  };
}

/** mqtt-packet, and the same key, headers and payload copied from its object. */
function openPacketParser(chunk: Buffer, copyMqttProperties: boolean): () => number {
  const parser = createParser({ protocolVersion: 5 });
  const frame = Buffer.from(frames.bytes.buffer);
  let count = 0;
  const header = (at: number, name: string, value: string) => {
    const nameBytes = frame.write(name, at + 8);
    const valueBytes = frame.write(value, at + 8 + nameBytes);
    frame.writeUInt16LE(nameBytes, at);
    frame.writeUInt32LE(valueBytes, at + 4);
    return at + 8 + nameBytes + valueBytes;
  };
  parser.on('packet', (packet) => {
    const publish = packet as IPublishPacket;
    let at = FRAME_HEADER_BYTES + frame.write(publish.topic, FRAME_HEADER_BYTES);
    if (copyMqttProperties) {
      for (const [name, value] of Object.entries(publish.properties?.userProperties ?? {})) {
        for (const one of Array.isArray(value) ? value : [value]) at = header(at, name, one);
      }
    }
    at = header(at, 'Topic', publish.topic);
    if (copyMqttProperties) {
      at = header(at, 'QoS', String(publish.qos));
      at = header(at, 'Retain', publish.retain ? '1' : '0');
      at = header(at, 'Millrace', 'v=1;properties=Topic,QoS,Retain;path=bench/route');
    }
    (publish.payload as Buffer).copy(frame, at);
    frames.words[0] = at;
    frames.words[2] = publish.messageId ?? 0;
    count++;
  });
  return () => {
    count = 0;
    parser.parse(chunk);
    return count;
  };
}

/** ns a packet. */
function measure(run: () => number): number {
  const startNs = process.hrtime.bigint();
  for (let n = 0; n < CHUNKS; n++) if (run() !== PACKETS) throw new Error('packets are missing');
  return Number(process.hrtime.bigint() - startNs) / (CHUNKS * PACKETS);
}

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '7' },
    json: { type: 'boolean', default: false },
  },
});
const rows: unknown[] = [];
for (const userProperties of [0, 2]) {
  const copies = userProperties > 0;
  const chunk = chunkOf(userProperties);
  const lane = openLane(chunk, copies);
  const parser = openPacketParser(chunk, copies);
  measure(lane);
  measure(parser);
  const laneNs: number[] = [];
  const parserNs: number[] = [];
  for (let round = 0; round < Number(values.rounds); round++) {
    laneNs.push(measure(lane));
    parserNs.push(measure(parser));
  }
  const [a, b] = [spreadOf(laneNs), spreadOf(parserNs)];
  rows.push({ userProperties, laneNs: a, mqttPacketNs: b });
  if (!values.json) {
    console.log(
      `${userProperties} user properties${copies ? ', copied as headers' : ''}: lane ` +
        `${a.median.toFixed(0)} ns (${a.min.toFixed(0)} to ${a.max.toFixed(0)}), mqtt-packet ` +
        `${b.median.toFixed(0)} ns (${b.min.toFixed(0)} to ${b.max.toFixed(0)}): ` +
        `${(b.median / a.median).toFixed(1)} times`,
    );
  }
}
if (values.json) console.log(JSON.stringify(rows));
