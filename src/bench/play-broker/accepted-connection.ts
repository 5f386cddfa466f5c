/* One connection of the connector under test, answered as a broker of MQTT v5 and 3.1.1 would, and loaded
 * with its part of the load once it has subscribed to that.
 */
import type { Socket } from 'node:net';
import type { IConnectPacket, ISubscribePacket, Packet } from 'mqtt-packet';
import { LoadConnection, RECEIVE_MAXIMUM_DEFAULT } from '../load/connection.js';
import { loadPartOf } from '../load/load-part.js';
import type { LoadRun } from '../load/load-run.js';
import type { SideContext } from '../load/mqtt-side.js';
import type { ProtocolVersion } from '../load/packet-stream.js';
import { topicNameOf } from '../load/payload.js';
import { PublishSlab } from '../load/publish-slab.js';
import type { Load } from '../protocol.js';
import { Subscriptions } from './subscriptions.js';

export interface AcceptedContext extends SideContext {
  /** Of how many connections each is loaded with a part. */
  readonly parts: number;
  /** Which part comes next. */
  readonly takePart: () => number;
  /** It has subscribed to what it is loaded with. */
  readonly onSubscribed: () => void;
}

export class AcceptedConnection {
  readonly connection: LoadConnection;
  /** Which part of the load it has; none before it has subscribed to any of the load. */
  part: number | undefined;
  /** It may be loaded. */
  isSubscribed = false;
  readonly #context: AcceptedContext;
  readonly #subscriptions = new Subscriptions();
  /** Routes of which it is known that it has subscribed to them. */
  #routesFound = 0;
  #protocolVersion: ProtocolVersion = 5;
  #receiveMaximum = RECEIVE_MAXIMUM_DEFAULT;
  #maximumPacketSize = Number.POSITIVE_INFINITY;

  constructor(socket: Socket, context: AcceptedContext) {
    this.#context = context;
    this.connection = new LoadConnection(socket, {
      loadRun: context.loadRun,
      feedRun: context.feedRun,
      feedTopics: `${context.feedRun?.feed.topicRoot}/`,
      peer: 'the connector',
      onPacket: (packet) => this.#handle(packet),
      onSettled: context.onProgress,
      onFailed: context.onFailed,
    });
  }

  #handle(packet: Packet): void {
    switch (packet.cmd) {
      case 'connect':
        this.#connect(packet);
        break;
      case 'subscribe':
        this.#subscribe(packet);
        break;
      case 'unsubscribe':
        this.connection.send({
          cmd: 'unsuback',
          messageId: packet.messageId as number,
          // No subscription existed: the generator remembers no session.
          granted: packet.unsubscriptions.map(() => 0x11),
        });
        break;
      case 'pingreq':
        this.connection.send({ cmd: 'pingresp' });
        break;
      case 'disconnect':
        this.connection.end();
        break;
      default:
        this.#context.onFailed(`the connector sent ${packet.cmd}, which a load cannot use`);
    }
  }

  #connect(packet: IConnectPacket): void {
    const { protocolVersion, properties } = packet;
    const { receiveMaximum, onFailed } = this.#context;
    if (protocolVersion !== 5 && protocolVersion !== 4) {
      onFailed('the connector speaks neither MQTT v5 nor MQTT 3.1.1');
      return;
    }
    this.#protocolVersion = protocolVersion;
    this.connection.speak(protocolVersion);
    // A client that says nothing, as with MQTT 3.1.1, would get 65,535 at once; a broker has its own limit.
    this.#receiveMaximum = Math.min(
      properties?.receiveMaximum ?? RECEIVE_MAXIMUM_DEFAULT,
      receiveMaximum,
    );
    this.#maximumPacketSize = properties?.maximumPacketSize ?? Number.POSITIVE_INFINITY;
    if (protocolVersion === 4) {
      this.connection.send({ cmd: 'connack', returnCode: 0, sessionPresent: false });
      return;
    }
    const assigned = packet.clientId === '' ? { assignedClientIdentifier: 'bench-assigned' } : {};
    this.connection.send({
      cmd: 'connack',
      reasonCode: 0,
      sessionPresent: false,
      properties: {
        receiveMaximum,
        retainAvailable: true,
        wildcardSubscriptionAvailable: true,
        subscriptionIdentifiersAvailable: true,
        sharedSubscriptionAvailable: true,
        ...assigned,
      },
    });
  }

  #subscribe(packet: ISubscribePacket): void {
    const { loadRun } = this.#context;
    // mqtt-packet gives an array where a property may be repeated; SUBSCRIBE has at most one.
    const given: number | number[] | undefined = packet.properties?.subscriptionIdentifier;
    const subscriptionId = Array.isArray(given) ? given[0] : given;
    for (const { topic } of packet.subscriptions) this.#subscriptions.add(topic, subscriptionId);
    this.connection.send({
      cmd: 'suback',
      messageId: packet.messageId as number,
      granted: packet.subscriptions.map(({ qos }) => Math.min(qos, loadRun?.load.qos ?? 1)),
    });
    if (loadRun !== undefined) this.#prepare(loadRun);
  }

  /** Makes ready what it is loaded with, once it has subscribed to all of that. */
  #prepare({ load, stamps }: LoadRun): void {
    const { onSubscribed, onFailed, parts, takePart } = this.#context;
    if (!this.#hasEveryRoute(load)) return;
    const protocolVersion = this.#protocolVersion;
    const { userProperties, systemProperties, keyProperty } = load;
    const hasProperties = userProperties > 0 || systemProperties || keyProperty !== undefined;
    if (protocolVersion === 4 && hasProperties) {
      onFailed('the connector speaks MQTT 3.1.1, which has no properties');
      return;
    }
    this.part ??= takePart();
    const part = loadPartOf(load, { index: this.part, parts });
    const subscriptionIds = part.topics.map((n) => this.#idsOf(load, n) ?? []);
    let slab: PublishSlab;
    try {
      slab = new PublishSlab({ ...load, ...part, subscriptionIds, protocolVersion }, stamps);
    } catch (error) {
      onFailed((error as Error).message);
      return;
    }
    if (slab.packetBytesMax > this.#maximumPacketSize) {
      onFailed(
        `the connector takes packets of up to ${this.#maximumPacketSize} bytes; ` +
          `the load has ${slab.packetBytesMax}`,
      );
      return;
    }
    this.connection.load(slab, this.#receiveMaximum);
    this.isSubscribed = true;
    onSubscribed();
  }

  /** By a topic of each, and none is asked for twice: there are as many SUBSCRIBE packets as routes. */
  #hasEveryRoute(load: Load): boolean {
    const wanted = Math.min(load.routes, load.topics);
    while (this.#routesFound < wanted) {
      if (this.#idsOf(load, this.#routesFound) === undefined) return false;
      this.#routesFound += 1;
    }
    return true;
  }

  #idsOf({ topicRoot, routes }: Load, topic: number): number[] | undefined {
    return this.#subscriptions.idsOf(topicNameOf(topicRoot, topic, routes));
  }
}
