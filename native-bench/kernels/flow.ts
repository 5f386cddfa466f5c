/* From a PUBLISH with its topic to the frame of its record, and from the settlement to its PUBACK: all calls that
 * flow/mqtt-to-kafka.ts makes on that way. */
import {
  FRAME_BYTES,
  FRAME_DELIVERY_ID,
  FRAME_HEADER_BYTES,
  FRAME_KIND,
  KIND_RECORD,
} from '../../src/channel/frame.js';
import { HEAD_WORD, RING_DATA_BYTES, TAIL_WORD } from '../../src/channel/ring-layout.js';
import { DELIVERED } from '../../src/channel/settlement-ring.js';
import { Ledger } from '../../src/delivery/ledger.js';
import { DeadLetterDesk } from '../../src/flow/dead-letter-desk.js';
import { MqttToKafka } from '../../src/flow/mqtt-to-kafka.js';
import { RouteTable } from '../../src/flow/to-kafka/route-table.js';
import { compileRoutes, type Match } from '../../src/flow/to-kafka/routes.js';
import { TopicCache } from '../../src/mqtt/receive/topic-cache.js';
import { SessionSlab } from '../../src/ring/session-slab.js';
import { Shard } from '../../src/shard/shard.js';
import { Targets } from '../../src/shard/targets.js';
import { ScriptedSession } from '../../test/support/scripted-session.js';
import { SUBSCRIPTION_ID } from '../publish-chunk.js';
import { BURST, type Kernel } from './kernel.js';
import { readPublishes } from './publishes.js';
import { connectorEvents, connectorOf } from './resources.js';
import { stillClock } from './still-clock.js';

const DELIVERIES = 1_024;
const PAYLOAD_BYTES = 200;
/** Until the frame ring has come to its end several times. */
const WARM_UP_CALLS = 1_500;

const noLetters = () => Promise.reject(new Error('a dead letter'));

/** The worker's part: it reads every frame, and Kafka has every record. */
class Worker {
  readonly #frames: Int32Array;
  readonly #words: Int32Array;
  readonly #settlements: Int32Array;
  readonly #entries: Int32Array;
  #tail = 0;
  #head = 0;

  constructor({ framesMemory, settlementsMemory }: Shard) {
    this.#frames = new Int32Array(framesMemory, 0, RING_DATA_BYTES / 4);
    this.#words = new Int32Array(framesMemory, RING_DATA_BYTES);
    this.#settlements = new Int32Array(settlementsMemory, 0, RING_DATA_BYTES / 4);
    this.#entries = new Int32Array(settlementsMemory, RING_DATA_BYTES);
  }

  turn(): void {
    const head = Atomics.load(this.#frames, HEAD_WORD);
    while (this.#tail !== head) this.#take();
    Atomics.store(this.#frames, TAIL_WORD, head);
    Atomics.store(this.#settlements, HEAD_WORD, this.#head);
  }

  #take(): void {
    const word = (this.#tail / 4) & (this.#words.length - 1);
    const left = 4 * (this.#words.length - word);
    if (left < FRAME_HEADER_BYTES) {
      this.#tail += left;
      return;
    }
    const frameBytes = this.#words[word + FRAME_BYTES] as number;
    this.#tail += frameBytes;
    if (this.#words[word + FRAME_KIND] !== KIND_RECORD) return;
    const at = (this.#head / 4) & (this.#entries.length - 1);
    this.#entries[at] = this.#words[word + FRAME_DELIVERY_ID] as number;
    this.#entries[at + 1] = ((frameBytes / 8) << 4) | DELIVERED;
    this.#head += 8;
  }
}

function publishToPuback(userProperties: number, copyMqttProperties: boolean): () => void {
  const { session } = new ScriptedSession({ receiveMaximum: DELIVERIES - 1 });
  session.inflight.onConnected(false);
  const events = connectorEvents();
  const connector = connectorOf({ copyMqttProperties });
  const routes = compileRoutes(connector, (name) => events.route(name));
  const subscription = { subscriptionId: SUBSCRIPTION_ID, topicFilter: 'plant/#', routes };
  const ledger = new Ledger<Match>(DELIVERIES);
  const shard = new Shard({
    index: 0,
    sessions: 1,
    sessionIndex: ledger.sessionIndex,
    bell: { ring: () => {} },
    onSettled: (id, _, settlement) => flow.onSettled(shard, id, settlement),
  });
  const flow = new MqttToKafka({
    connector: connector.name,
    instanceId: 0,
    shards: [shard],
    targets: new Targets(1),
    slab: new SessionSlab({ commonBytes: 8_192, payloadBytesMax: 8_192, regionOf: [0] }),
    ledger,
    routes: new RouteTable(routes, [[subscription]]),
    sessions: [session],
    sessionCount: 1,
    onBurstEnd: () => {},
    desk: new DeadLetterDesk(
      { put: noLetters, begin: noLetters },
      stillClock,
      noLetters,
      noLetters,
    ),
    payloadBytesMax: connector.maxPayloadBytes,
    events,
    clock: stillClock,
  });
  shard.ready = true;
  const worker = new Worker(shard);
  const publishes = readPublishes(PAYLOAD_BYTES, userProperties);
  const topics = new TopicCache(64, 1e6, 1);
  for (const [n, publish] of publishes.entries()) {
    publish.packetId = n + 1;
    publish.topic = topics.find(publish.bytes, publish.topicStart, publish.topicEnd);
  }
  return () => {
    flow.onBatchStart();
    for (let n = 0; n < BURST; n++) {
      if (!flow.onPublish(session, publishes[n] as (typeof publishes)[0]))
        throw new Error('no room');
    }
    flow.onBatchEnd();
    worker.turn();
    if (shard.readSettlements() !== BURST) throw new Error('settlements are missing');
    flow.onBurstEnd();
    if (session.inflight.unacknowledged > 0) throw new Error('PUBACKs are missing');
  };
}

export const flowKernels: readonly Kernel[] = [
  {
    name: 'flow/publish-to-puback',
    operations: BURST,
    open: () => publishToPuback(0, false),
    warmUpCalls: WARM_UP_CALLS,
  },
  {
    name: 'flow/publish-to-puback-4-properties',
    operations: BURST,
    open: () => publishToPuback(4, true),
    warmUpCalls: WARM_UP_CALLS,
  },
];
