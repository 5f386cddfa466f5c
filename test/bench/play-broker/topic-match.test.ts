import t from 'tap';
import { matchesFilter } from '../../../src/bench/play-broker/topic-match.js';

t.test('filters match as MQTT says, shared or not', async (t) => {
  for (const filter of [
    'bench/#',
    '#',
    'bench/+',
    '+/7',
    'bench/7',
    'bench/7/#',
    '$share/g/bench/#',
  ]) {
    t.equal(matchesFilter('bench/7', filter), true, filter);
  }
  for (const filter of ['bench', 'bench/8', '+', 'bench/+/x', 'other/#', '$share/g/other/#']) {
    t.equal(matchesFilter('bench/7', filter), false, filter);
  }
});
