import t from 'tap';
import { createBroker } from '../../src/demo/broker/broker.js';
import { addon } from '../../src/kafka/addon.js';
import { startConnector } from '../support/connector.js';
import { CLIENT_ID } from '../support/resources.js';
import { until } from '../support/until.js';

t.test(
  'a run that is stopped without Kafka says what it waits for, and what was left',
  async (t) => {
    const broker = createBroker();
    const { port: mqttPort } = await broker.listen();
    const kafka = new addon.MockCluster(1);
    t.teardown(async () => {
      await broker.close();
      kafka.close();
    });
    const connector = await startConnector(
      t,
      {
        mqttPort,
        bootstrap: kafka.bootstrapServers,
        connector: { logLevel: 'warn' },
        maps: [{ routes: [{ name: 'r', mqttTopic: 'a/#', kafkaTopic: 'out' }] }],
      },
      ['--drain-timeout', '1'],
    );
    await connector.ready();
    kafka.setBrokerUp(1, false);
    for (const payload of ['1', '2', '3']) broker.publish({ topic: 'a/b', payload, qos: 1 });
    await until('they are taken', async () => {
      return (await connector.metric('millrace_deliveries_in_flight')) === 3;
    });
    t.equal(await connector.terminate(), 0);
    const log = connector.log();
    t.match(log, /stopping; up to 1 s for 3 message\(s\) in flight/);
    const told = new RegExp(
      `"deliveries":3,"routes":\\{"r":3\\},"sessions":\\{"${CLIENT_ID}":3\\},.*waits for Kafka`,
    );
    t.match(log, told);
    t.match(log, /"deliveries":3.*not settled in time/);
    t.match(log, /3 message\(s\) were not settled within 1 s/);
  },
);
