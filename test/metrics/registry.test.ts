import t from 'tap';
import { Metrics } from '../../src/metrics/registry.js';
import { captureLog } from '../support/captured-log.js';
import { ManualClock } from '../support/manual-clock.js';

function setUp() {
  const clock = new ManualClock();
  const metrics = new Metrics({ log: captureLog().log, clock, version: '1.2.3' });
  return { clock, metrics, events: metrics.connector('my-connector') };
}

/** The samples of the text format, by name and labels. */
async function scrape(metrics: Metrics): Promise<Map<string, number>> {
  const lines = (await metrics.text()).split('\n').filter((line) => /^[a-z]/.test(line));
  return new Map(
    lines.map((line) => {
      const space = line.lastIndexOf(' ');
      return [line.slice(0, space), Number(line.slice(space + 1))];
    }),
  );
}

t.test('a scrape shows what the route counted', async (t) => {
  const { metrics, events } = setUp();
  const route = events.route('route1');
  for (const bytes of [10, 20, 30]) route.publishReceived(bytes);
  route.recordSent();
  route.recordSent();
  route.recordDelivered(0.15);
  route.messageExpired();
  route.keyMissing();
  route.deadLettered('oversize', { id: 'x', topicName: 'y', message: 'z' });
  const samples = await scrape(metrics);
  const labels = '{connector="my-connector",route="route1"}';
  t.equal(samples.get(`millrace_publishes_received_total${labels}`), 3);
  t.equal(samples.get(`millrace_publish_payload_bytes_total${labels}`), 60);
  t.equal(samples.get(`millrace_records_sent_total${labels}`), 2);
  t.equal(samples.get(`millrace_records_delivered_total${labels}`), 1);
  t.equal(samples.get(`millrace_messages_expired_total${labels}`), 1);
  t.equal(samples.get(`millrace_record_keys_missing_total${labels}`), 1);
  const dead = 'millrace_messages_dead_lettered_total{connector="my-connector",route="route1"';
  t.equal(samples.get(`${dead},reason="oversize"}`), 1);
  t.equal(
    samples.get(`${dead},reason="recordTooLarge"}`),
    0,
    'every reason is there from the start',
  );
});

t.test('a second scrape does not count anything again', async (t) => {
  const { metrics, events } = setUp();
  events.pubackSent(0);
  await scrape(metrics);
  const samples = await scrape(metrics);
  t.equal(samples.get('millrace_pubacks_sent_total{connector="my-connector",result="success"}'), 1);
});

t.test('the latency histogram is cumulative and ends with all observations', async (t) => {
  const { metrics, events } = setUp();
  const route = events.route('route1');
  for (const ms of [0.0625, 0.125, 0.1875, 1_000, 200_000]) route.recordDelivered(ms);
  const samples = await scrape(metrics);
  const bucket = (le: string) =>
    samples.get(
      `millrace_delivery_latency_seconds_bucket{connector="my-connector",route="route1",le="${le}"}`,
    );
  t.equal(bucket('0.0001'), 1);
  t.equal(bucket('0.0002'), 3);
  t.equal(bucket('0.8192'), 3);
  t.equal(bucket('1.6384'), 4);
  t.equal(bucket('104.8576'), 4);
  t.equal(bucket('+Inf'), 5);
  const labels = '{connector="my-connector",route="route1"}';
  t.equal(samples.get(`millrace_delivery_latency_seconds_count${labels}`), 5);
  t.equal(samples.get(`millrace_delivery_latency_seconds_sum${labels}`), 201.000375);
});

t.test('gauges of the engine are absent until it says how they are read', async (t) => {
  const { metrics, events } = setUp();
  const name = 'millrace_deliveries_in_flight{connector="my-connector"}';
  t.notOk((await scrape(metrics)).has(name));
  let inFlight = 7;
  events.observe({
    sessions: () => 2,
    deliveriesInFlight: () => inFlight,
    deliveriesInFlightMax: () => 8_000,
    publishesInFlight: () => 3,
    qos0DeliveriesInFlight: () => 0,
    qos0DeliveriesInFlightMax: () => 16_384,
    deadLetters: () => 1,
    deadLettersMax: () => 100,
    deadLetterBytes: () => 2_048,
    deadLetterBytesMax: () => 1_048_576,
  });
  t.equal((await scrape(metrics)).get(name), 7);
  inFlight = 9;
  t.equal((await scrape(metrics)).get(name), 9);
});

t.test('shards, losses and pauses appear under their labels', async (t) => {
  const { clock, metrics, events } = setUp();
  events.kafkaUp(0);
  events.kafkaDown(1, 'network', 'all brokers down');
  events.mqttLost('session-0', 'refused', 'ECONNREFUSED');
  events.socketPaused('session-0');
  clock.advance(2_500);
  const samples = await scrape(metrics);
  const connector = 'connector="my-connector"';
  t.equal(samples.get(`millrace_kafka_up{${connector},shard="0"}`), 1);
  t.equal(samples.get(`millrace_kafka_up{${connector},shard="1"}`), 0);
  const losses = 'millrace_connection_losses_total';
  t.equal(samples.get(`${losses}{${connector},side="mqtt",reason="refused"}`), 1);
  t.equal(samples.get(`${losses}{${connector},side="kafka",reason="network"}`), 1);
  t.equal(samples.get(`millrace_socket_paused_seconds_total{${connector}}`), 2.5);
});

t.test('the process tells its version, CPU time and memory', async (t) => {
  const { metrics } = setUp();
  const samples = await scrape(metrics);
  t.equal(samples.get(`millrace_build_info{version="1.2.3",node="${process.version}"}`), 1);
  t.ok((samples.get('process_cpu_seconds_total') ?? 0) > 0);
  t.ok((samples.get('process_resident_memory_bytes') ?? 0) > 1e6);
});

t.test('two registries in one process do not share anything', async (t) => {
  const first = setUp();
  const second = setUp();
  first.events.pubackSent(0);
  const samples = await scrape(second.metrics);
  t.equal(samples.get('millrace_pubacks_sent_total{connector="my-connector",result="success"}'), 0);
});

t.test('a label value with a quote and a newline cannot forge a sample', async (t) => {
  const { metrics } = setUp();
  metrics.connector('a"} 1\nforged 2').route('r').recordSent();
  t.notMatch(await metrics.text(), /^forged/m);
});
