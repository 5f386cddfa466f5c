import { generate, type Packet, parser } from 'mqtt-packet';

const version5 = { protocolVersion: 5 };

/** Parses one whole packet; `undefined` where mqtt-packet finds it malformed. A parser lives for one
 * packet only: it keeps state after errors, and only rare packets come here. */
export function parseControlPacket(bytes: Buffer): Packet | undefined {
  const outcome: { packet?: Packet; failed: boolean } = { failed: false };
  const reader = parser(version5);
  reader.on('packet', (packet) => {
    outcome.packet = packet;
  });
  reader.on('error', () => {
    outcome.failed = true;
  });
  try {
    reader.parse(bytes);
  } catch {
    // It reads beyond the end of some truncated packets.
    return undefined;
  }
  return outcome.failed ? undefined : outcome.packet;
}

export function generateControlPacket(packet: Packet): Buffer {
  return generate(packet, version5);
}
