/* Packets that are neither PUBLISH nor PUBACK, as bytes. */
import { generate, type Packet, writeToStream } from 'mqtt-packet';

// It would keep a Buffer for each of the 65,536 numbers, 9 MB in all, to write a few packets an hour.
writeToStream.cacheNumbers = false;

/** `packet` as MQTT 5 has it; throws where it has a value that MQTT 5 does not allow. */
export function controlPacketBytes(packet: Packet): Buffer {
  return generate(packet, { protocolVersion: 5 });
}
