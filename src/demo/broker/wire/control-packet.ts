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
  const { packet, failed } = outcome;
  if (failed || packet === undefined) return undefined;
  return stringsOf(packet).every((text) => isWellFormed(text, bytes)) ? packet : undefined;
}

/** The strings that the broker keeps. */
function stringsOf(packet: Packet): string[] {
  if (packet.cmd === 'connect') return [packet.clientId];
  if (packet.cmd === 'subscribe') return packet.subscriptions.map(({ topic }) => topic);
  return packet.cmd === 'unsubscribe' ? packet.unsubscriptions : [];
}

/** mqtt-packet puts U+FFFD for bytes that are no UTF-8 [MQTT-1.5.4-1]. */
function isWellFormed(text: string, bytes: Buffer): boolean {
  if (text.includes('\0')) return false; // [MQTT-1.5.4-2]
  return !text.includes('\ufffd') || bytes.includes('\ufffd');
}

export function generateControlPacket(packet: Packet): Buffer {
  return generate(packet, version5);
}
