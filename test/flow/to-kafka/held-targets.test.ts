import t from 'tap';
import type { Connector } from '../../../src/config/model.js';
import { HeldTargets } from '../../../src/flow/to-kafka/held-targets.js';
import {
  type CompiledRoute,
  compileRoutes,
  constantTarget,
} from '../../../src/flow/to-kafka/routes.js';
import { ConnectorEvents } from '../../../src/metrics/events.js';
import { type Target, Targets } from '../../../src/shard/targets.js';
import { connector, modelOf, topicMap } from '../../config/documents.js';
import { captureLog } from '../../support/captured-log.js';
import { idleShard } from '../../support/idle-shard.js';
import { ManualClock } from '../../support/manual-clock.js';

/** Two routes to the Kafka topic `shared`, and one to `other`. */
const ROUTES = [
  'routes:',
  '  - mqttToKafka: { name: a, mqttTopic: a/#, kafkaTopic: shared }',
  '  - mqttToKafka: { name: b, mqttTopic: b/#, kafkaTopic: shared }',
  '  - mqttToKafka: { name: c, mqttTopic: c/#, kafkaTopic: other }',
].join('\n');

function start() {
  const { log } = captureLog();
  const events = new ConnectorEvents('c', log, new ManualClock());
  const [one] = modelOf(connector() + topicMap(ROUTES)).connectors;
  const routes = compileRoutes(one as Connector, (name) => events.route(name));
  const targets = new Targets(2);
  const [shared] = routes.map((route) => constantTarget(route, targets, 0));
  const held = new HeldTargets(targets, routes);
  const holds = () => routes.map(({ events: { counters } }) => counters.holdsNow);
  return { held, routes, id: (shared as Target).id, holds };
}

t.test('every route of a target that is held is told, and told when it flows again', async (t) => {
  const { held, routes, id, holds } = start();
  held.onHeld(idleShard(0), id, 'ERR_TOPIC_AUTHORIZATION_FAILED');
  t.strictSame(holds(), [1, 1, 0]);
  const { counters } = (routes[0] as CompiledRoute).events;
  t.equal(counters.heldDetail, 'shared: ERR_TOPIC_AUTHORIZATION_FAILED');
  t.equal(counters.holds.notAuthorised, 1);
  held.onHeld(idleShard(0), id, undefined);
  t.strictSame(holds(), [0, 0, 0]);
});

t.test('what a worker held ends with it, and what others hold does not', async (t) => {
  const { held, id, holds } = start();
  const [lost, other] = [idleShard(0), idleShard(1)];
  held.onHeld(lost, id, 'ERR_UNKNOWN_TOPIC_OR_PART');
  held.onHeld(other, id, 'ERR_UNKNOWN_TOPIC_OR_PART');
  t.strictSame(holds(), [2, 2, 0]);
  held.onShardLost(lost);
  t.strictSame(holds(), [1, 1, 0]);
  held.onShardLost(lost);
  t.strictSame(holds(), [1, 1, 0], 'once');
});

t.test('a code is told of as what it means to an operator', async (t) => {
  const reasons = {
    ERR_UNKNOWN_TOPIC_OR_PART: 'unknownTopic',
    ERR__UNKNOWN_PARTITION: 'unknownTopic',
    ERR_THROTTLING_QUOTA_EXCEEDED: 'quota',
    ERR_POLICY_VIOLATION: 'quota',
    ERR_INVALID_REQUIRED_ACKS: 'other',
  } as const;
  for (const [code, reason] of Object.entries(reasons)) {
    const { held, routes, id } = start();
    held.onHeld(idleShard(), id, code);
    t.equal((routes[0] as CompiledRoute).events.counters.holds[reason], 1, code);
  }
});
