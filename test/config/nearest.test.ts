import t from 'tap';
import { nearest } from '../../src/config/nearest.js';

t.test('the nearest known word is found only where it is near', async (t) => {
  t.equal(nearest('qso', ['name', 'qos']), 'qos');
  t.equal(nearest('KAFKATOPIC', ['mqttTopic', 'kafkaTopic']), 'kafkaTopic');
  t.equal(nearest('pullpolicies', ['pullPolicy']), 'pullPolicy');
  t.equal(nearest('xyz', ['qos', 'name']), undefined);
  t.equal(nearest('x'.repeat(1_000_000), ['qos']), undefined);
});
