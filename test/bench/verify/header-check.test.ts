import t from 'tap';
import { userPropertyOf } from '../../../src/bench/load/payload.js';
import {
  type ExpectedHeaders,
  HeaderCheck,
  headersChecked,
} from '../../../src/bench/verify/header-check.js';
import { type RecordSpec, ringOfRecords } from '../../support/record-frames.js';

const EXPECTED: ExpectedHeaders = {
  ofMillrace: true,
  copyProperties: true,
  userProperties: 2,
  systemProperties: false,
  keyProperty: undefined,
  topicRoot: 'bench',
  topics: 10,
  keys: 10,
  routes: 1,
  connections: 1,
  qos: 1,
  paths: ['bench/bench'],
};
const PROPERTIES = [userPropertyOf(0), userPropertyOf(1)];

type Headers = NonNullable<RecordSpec['headers']>;

/** What is wrong with such headers; undefined: nothing. */
function wrong(headers: Headers, expected: Partial<ExpectedHeaders> = {}, key = 'bench/7') {
  const ring = ringOfRecords([{ key, headers, value: 'x' }]);
  return new HeaderCheck({ ...EXPECTED, ...expected }).wrongWith(ring);
}

/** The headers behind the user properties. */
function tail({ topic = 'bench/7', listed = '', path = 'bench/bench' } = {}): Headers {
  const millrace = `v=1;properties=${listed}Topic,QoS,Retain;path=${path}`;
  return [
    ['Topic', topic],
    ['QoS', '1'],
    ['Retain', '0'],
    ['Millrace', millrace],
  ];
}

t.test('all headers have to be there, each as it must be, and no other', async (t) => {
  const good = [...PROPERTIES, ...tail()];
  t.equal(wrong(good), undefined);
  for (const [n, [name]] of good.entries()) {
    const without = good.filter((_, other) => other !== n);
    const why = n === good.length - 1 ? /has no header Millrace/ : new RegExp(`where ${name} must`);
    t.match(wrong(without), why, `without ${name}`);
    for (const value of ['another', '', null]) {
      const other = good.map((header, at) => (at === n ? ([name, value] as const) : header));
      t.match(wrong(other), name, `${name}: ${value}`);
    }
  }
  t.match(wrong([...PROPERTIES].reverse().concat(tail() as never)), /property-1 where property-0/);
  t.match(wrong([...good, ['Content Type', 'text']]), /a header Content Type too many/);
  t.match(wrong(good, { qos: 0 }), /its header QoS/);
});

t.test('without copyMqttProperties there is the topic alone', async (t) => {
  const expected = { copyProperties: false };
  t.equal(wrong([['Topic', 'bench/7']], expected), undefined);
  t.match(wrong([['Topic', 'bench/8']], expected), /Topic/);
  t.match(wrong([], expected), /no header Topic/);
  t.match(wrong([['Topic', 'bench/7'], userPropertyOf(0)], expected), /too many/);
});

t.test('what stands for properties of MQTT has their values', async (t) => {
  const expected = { userProperties: 0, systemProperties: true };
  const names = [
    'Payload Format Indicator',
    'Response Topic',
    'Message Expiry Interval',
    'Correlation Data',
    'Content Type',
  ];
  const headersOf = (expiry: string, correlation = Buffer.from([0xff, 0, 0x0d, 0x80])): Headers => [
    ['Payload Format Indicator', '0'],
    ['Response Topic', 'bench/answers'],
    ['Message Expiry Interval', expiry],
    ['Correlation Data', correlation],
    ['Content Type', 'application/json'],
    ...tail({ listed: `${names.join(',')},` }),
  ];
  for (const expiry of ['3600', '3599', '1'])
    t.equal(wrong(headersOf(expiry), expected), undefined);
  for (const expiry of ['3601', '0', '-1', '3600.5', '', '99999']) {
    t.match(wrong(headersOf(expiry), expected), /Message Expiry Interval has another/, expiry);
  }
  const text = Buffer.from('\ufffd\0\r\ufffd');
  t.match(wrong(headersOf('3600', text), expected), /Correlation Data/);
  t.match(wrong(headersOf('3600'), { userProperties: 0 }), /Payload Format Indicator where Topic/);
});

t.test('a key of its own is a property, and goes with some topics only', async (t) => {
  const expected = { userProperties: 0, keyProperty: 'bench-key', keys: 3 };
  const of = (topic: string, key = 'key/1') =>
    wrong([['bench-key', key], ...tail({ topic })], expected, 'key/1');
  t.equal(of('bench/7'), undefined);
  t.equal(of('bench/4'), undefined);
  for (const topic of ['bench/8', 'bench/10', 'bench/07', 'other/7', 'bench/', 'bench/x']) {
    t.match(of(topic), /its header Topic/, topic);
  }
  t.match(of('bench/7', 'key/2'), /its header bench-key/);
});

t.test('the header Millrace names the route', async (t) => {
  const expected = { userProperties: 0, routes: 3, paths: ['bench/a', 'bench/b', 'bench/c'] };
  const of = (path: string) => wrong(tail({ topic: 'bench/1/7', path }), expected, 'bench/1/7');
  t.equal(of('bench/b'), undefined);
  t.match(of('bench/a'), /its header Millrace/);
});

t.test('of another connector the user properties are compared, wherever they stand', async (t) => {
  const other = { ofMillrace: false };
  t.equal(headersChecked({ ...EXPECTED, ...other }), 'user properties');
  const extra = ['mqtt-topic', 'bench/7'] as const;
  t.equal(wrong([...PROPERTIES, extra], other), undefined);
  t.equal(wrong([extra, ...PROPERTIES], other), undefined);
  for (const headers of [[], PROPERTIES.slice(1), [...PROPERTIES].reverse(), [extra]]) {
    t.match(wrong(headers, other), /not the user properties/);
  }
  const plain = { ...other, copyProperties: false };
  t.equal(headersChecked({ ...EXPECTED, ...plain }), 'none');
  t.equal(wrong([], plain), undefined);
});
