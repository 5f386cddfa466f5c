import { Publish } from '../../src/mqtt/receive/publish.js';
import { LANE_READ, readPublish } from '../../src/mqtt/receive/publish-lane.js';
import { publishChunk } from '../publish-chunk.js';
import { BURST } from './kernel.js';

/** PUBLISHes as the lane has read them, each an object of its own. */
export function readPublishes(payloadBytes: number, userProperties: number): Publish[] {
  return Array.from({ length: BURST }, (_, n) => {
    const packet = publishChunk({ packets: 1, topics: 1, payloadBytes, userProperties });
    // Where a payload begins among the words of the receive buffer differs from one to the next.
    const start = n % 8;
    const memory = new ArrayBuffer((start + packet.length + 15) & ~7);
    const publish = new Publish(new Uint8Array(memory), new Int32Array(memory));
    publish.bytes.set(packet, start);
    const bodyStart = start + (packet.length > 129 ? 3 : 2);
    const end = start + packet.length;
    const read = readPublish(packet[0] as number, bodyStart, end, end, publish);
    if (read !== LANE_READ) throw new Error('a PUBLISH that the fast lane leaves');
    return publish;
  });
}
