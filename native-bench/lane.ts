/* What it costs to make a frame of a PUBLISH of QoS 1: by the fast lane, and by mqtt-packet with the
 * same frame written from its object.
 *   npm run native-bench -- lane [--rounds N] [--json]
 */
import { parser as createParser, type IPublishPacket } from 'mqtt-packet';
import { type Spread, spreadOf } from '../src/bench/report/spread.js';
import { FRAME_HEADER_BYTES } from '../src/channel/frame.js';
import { TOPICS_CACHED_BYTES_MAX } from '../src/config/limits.js';
import { Publish } from '../src/mqtt/receive/publish.js';
import { LANE_READ, readPublish } from '../src/mqtt/receive/publish-lane.js';
import { type Topic, TopicCache } from '../src/mqtt/receive/topic-cache.js';
import { planRecords, type RecordPlan, writeFrame } from '../src/route/to-kafka.js';
import {
  type ComparisonOptions,
  comparisonCommand,
  printTable,
  spreadText,
  takeTurns,
} from './comparison.js';
import { publishChunk } from './publish-chunk.js';
import { recordShape } from './record-shape.js';

const PAYLOAD_BYTES = 200;
/** Packets in one chunk, as a socket would give them. */
const PACKETS = 1000;
const CHUNKS = 200;
const TOPICS = 100;
const FRAME_BYTES_MAX = 2048;

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
  const shape = recordShape(copyMqttProperties);
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

const { rounds, json } = comparisonCommand(
  'lane',
  'A frame of a PUBLISH, by the fast lane and by mqtt-packet',
  7,
)
  .parse()
  .opts<ComparisonOptions>();
const results: { userProperties: number; laneNs: Spread; mqttPacketNs: Spread }[] = [];
for (const userProperties of [0, 2]) {
  const copies = userProperties > 0;
  const chunk = publishChunk({
    packets: PACKETS,
    topics: TOPICS,
    payloadBytes: PAYLOAD_BYTES,
    userProperties,
  });
  const ways = { lane: openLane(chunk, copies), parser: openPacketParser(chunk, copies) };
  measure(ways.lane);
  measure(ways.parser);
  const { lane, parser } = await takeTurns(['lane', 'parser'], rounds, (way) => measure(ways[way]));
  results.push({ userProperties, laneNs: spreadOf(lane), mqttPacketNs: spreadOf(parser) });
}
if (json) console.log(JSON.stringify(results));
else {
  printTable(
    ['user properties', 'ns by the lane', 'ns by mqtt-packet', 'times'],
    results.map(({ userProperties, laneNs, mqttPacketNs }) => [
      String(userProperties),
      spreadText(laneNs, 0),
      spreadText(mqttPacketNs, 0),
      (mqttPacketNs.median / laneNs.median).toFixed(1),
    ]),
  );
}
