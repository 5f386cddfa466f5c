import t from 'tap';
import { connectedFlows, turns } from '../support/record-flows.js';

const NOT_AUTHORIZED = 0x87;

t.test(
  'a refused PUBLISH is a dead letter, and its offset moves when that is stored',
  async (t) => {
    const flows = connectedFlows();
    const headers = [['colour', 'red'] as const, ['nothing', null] as const];
    flows.consume({ value: 'a', headers, timestampMs: 1_234 }, { value: 'b' });
    flows.publisher.pubackSent(NOT_AUTHORIZED);
    t.equal(flows.flow.underWay, 2);
    flows.clock.advance(1_000);
    t.same(flows.commits(), []);
    const letter = await flows.store();
    t.match(letter, {
      route: 'down',
      direction: 'kafkaToMqtt',
      reason: { code: 'publishRefused', message: /Not authorized.*commands\[0\] at offset 0/ },
      mqtt: { topic: 'devices/k', qos: 1 },
      kafka: { topic: 'commands', partition: 0 },
    });
    t.equal(`${Buffer.from(letter.payload)}`, 'a');
    flows.clock.advance(1_000);
    t.same(flows.commits(), [[{ partition: 0, offset: 1 }]]);
    flows.letters[0]?.failed();
    await turns();
    flows.clock.advance(500);
    t.equal(flows.letters.length, 2, 'a letter that cannot be stored is tried again');
    flows.letters.shift();
    await flows.store();
    t.equal(flows.flow.underWay, 0);
    flows.clock.advance(1_000);
    t.same(flows.commits(), [[{ partition: 0, offset: 2 }]]);
  },
);

t.test('records that no PUBLISH can be made of are dead letters with their reason', async (t) => {
  const flows = connectedFlows([{}], { payloadBytesMax: 10 });
  flows.publisher.disconnect();
  flows.publisher.connect({ maximumPacketSize: 60 });
  flows.consume(
    { key: 'a/#' },
    { value: '12345678901' },
    { value: null, oversizeBytes: 5_000_000 },
    { key: 'x'.repeat(60), value: '' },
  );
  t.same(flows.publisher.payloads(), []);
  const reasons: string[] = [];
  while (flows.letters.length > 0) reasons.push((await flows.store()).reason.code);
  t.same(reasons, ['mqttTopicInvalid', 'oversize', 'oversize', 'publishTooLarge']);
  flows.clock.advance(1_000);
  t.same(flows.commits(), [[{ partition: 0, offset: 4 }]]);
});

t.test('many records that are dead letters wait for the store within its bound', async (t) => {
  const flows = connectedFlows();
  const value = 'x'.repeat(200_000);
  let written = 0;
  while (flows.write({ key: '#', value })) written++;
  flows.ring();
  for (let stored = 0; stored < 400; stored++) {
    await flows.store();
    while (flows.write({ key: '#', value })) written++;
    flows.ring();
    const bytes = flows.letters.reduce((sum, { letter }) => sum + letter.payload.length, 0);
    if (bytes > 33 * 1024 * 1024) t.fail(`${bytes} bytes wait`);
  }
  while (flows.letters.length > 0) await flows.store();
  t.equal(flows.routeCounters().deadLettered.mqttTopicInvalid, written);
  t.equal(flows.usedBytes(), 0);
});

t.test('a route without dead letters does not wait for those of others', async (t) => {
  const routes = Array.from({ length: 10 }, (_, n) => ({ name: `route ${n}` }));
  const flows = connectedFlows(routes);
  const value = 'x'.repeat(200_000);
  for (const [route] of routes.slice(1).entries()) {
    while (flows.write({ key: '#', value }, route + 1));
    flows.ring(route + 1);
  }
  const bytes = flows.letters.reduce((sum, { letter }) => sum + letter.payload.length, 0);
  t.ok(bytes >= 32 * 1024 * 1024, 'there is no room for more');
  flows.consume({});
  t.same(flows.publisher.payloads(), ['0']);
});
