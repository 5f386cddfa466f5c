import { type Broker, createBroker } from '../../../src/demo/broker/broker.js';
import type { BrokerOptions } from '../../../src/demo/broker/options.js';

/** The part of a tap test that is used here. */
interface Teardown {
  teardown(callback: () => Promise<void>): void;
}

/** A broker that listens until the test is over. */
export async function runBroker(
  t: Teardown,
  options: BrokerOptions = {},
): Promise<{ broker: Broker; port: number }> {
  const broker = createBroker(options);
  const { port } = await broker.listen();
  t.teardown(() => broker.close());
  return { broker, port };
}
