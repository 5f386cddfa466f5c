import t from 'tap';
import { BLOCKED_WORD } from '../../src/channel/ring-layout.js';
import { NO_MATCHING_SUBSCRIBERS } from '../../src/mqtt/reason-code.js';
import { RecordFlows } from '../support/record-flows.js';

t.test('a route whose held record has filled its ring says so, until it reads again', async (t) => {
  const flows = new RecordFlows([{ onNoSubscriber: 'hold' }]);
  const { publisher, clock } = flows;
  publisher.connect();
  flows.consume({ key: 'away', value: 'first' });
  publisher.pubackSent(NO_MATCHING_SUBSCRIBERS);
  const value = 'x'.repeat(60_000);
  while (flows.write({ key: 'there', value })) {
    flows.ring();
    publisher.pubackSent();
  }
  t.same(flows.troubles, [], 'a full ring alone is no trouble');
  const control = new Int32Array(flows.sources[0]?.task.records as SharedArrayBuffer);
  Atomics.store(control, BLOCKED_WORD, 1);
  clock.advance(500);
  publisher.pubackSent(NO_MATCHING_SUBSCRIBERS);
  flows.ring();
  t.match(flows.troubles, [/full behind 1 held/]);
  clock.advance(1_000);
  publisher.pubackSent();
  t.equal(flows.counters().recordsHeldNow, 0);
  flows.consume({ key: 'there', value: 'goes on' });
  t.equal(flows.troubles.at(-1), undefined);
});
