import type { BrokerState } from '../broker-state.js';
import type { Connection } from '../connection.js';
import { parseControlPacket } from '../wire/control-packet.js';
import { ReasonCode } from '../wire/reason-code.js';
import { handleConnect, isConnect } from './handle-connect.js';
import { handleDisconnect } from './handle-disconnect.js';
import { handlePuback } from './handle-puback.js';
import { handlePublish } from './handle-publish.js';
import { handleSubscribe } from './handle-subscribe.js';
import { handleUnsubscribe } from './handle-unsubscribe.js';

const publishType = 3;
const successfulPuback = 0x40;

/** One packet of a client. PUBLISH and the PUBACK with success, of which there are many, are read
 * here; mqtt-packet reads the others. */
export function handlePacket(
  state: BrokerState,
  connection: Connection,
  packet: Buffer,
  place: { readonly bodyStart: number; readonly owned: boolean },
): void {
  if (connection.phase === 'connecting') {
    if (isConnect(packet)) handleConnect(state, connection, packet, place.bodyStart);
    else connection.drop(); // [MQTT-3.1.0-1]
    return;
  }
  state.recorder.add(connection.session?.clientId ?? '', packet);
  if ((packet[0] ?? 0) >> 4 === publishType) {
    handlePublish(state, connection, place.owned ? packet : Buffer.from(packet), place.bodyStart);
    return;
  }
  if (packet[0] === successfulPuback && packet.length === 4) {
    handlePuback(state, connection, packet.readUInt16BE(2), ReasonCode.success);
    return;
  }
  handleParsed(state, connection, packet);
}

function handleParsed(state: BrokerState, connection: Connection, bytes: Buffer): void {
  const packet = parseControlPacket(bytes);
  switch (packet?.cmd) {
    case 'puback':
      handlePuback(state, connection, packet.messageId ?? 0, packet.reasonCode ?? 0);
      return;
    case 'subscribe':
      handleSubscribe(state, connection, packet);
      return;
    case 'unsubscribe':
      handleUnsubscribe(state, connection, packet);
      return;
    case 'pingreq':
      connection.send({ cmd: 'pingresp' });
      return;
    case 'disconnect':
      handleDisconnect(state, connection, packet);
      return;
    case undefined:
      connection.fail(ReasonCode.malformedPacket);
      return;
    default:
      // A second CONNECT [MQTT-3.1.0-2], AUTH that nobody asked for, QoS 2, or what a Server sends.
      connection.fail(ReasonCode.protocolError);
  }
}
