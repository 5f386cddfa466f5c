import t from 'tap';
import { RecordFlows } from '../support/record-flows.js';

t.test('what one route reads costs the others of its session one look each', async (t) => {
  const routes = 50;
  const flows = new RecordFlows(Array.from({ length: routes }, (_, n) => ({ name: `route ${n}` })));
  flows.publisher.connect();
  let looks = 0;
  for (const source of flows.sources) {
    const { ring } = source;
    Object.defineProperty(source, 'ring', {
      get: () => {
        looks++;
        return ring;
      },
    });
  }
  flows.write({});
  for (const source of flows.sources) flows.flow.onRecords(source);
  t.same(flows.publisher.payloads(), ['0']);
  t.ok(looks <= 10 * routes, `${looks} looks`);
});
