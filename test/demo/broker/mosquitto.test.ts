import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import t from 'tap';
import { runBroker } from './running-broker.js';

const available = ['mosquitto_pub', 'mosquitto_sub'].every(
  (command) => spawnSync(command, ['--help']).error === undefined,
);
const skip = available ? false : 'mosquitto_pub and mosquitto_sub are not on the PATH';

function run(command: string, port: number, args: readonly string[]): ChildProcess {
  const common = ['-h', '127.0.0.1', '-p', String(port), '-V', 'mqttv5', '-q', '1'];
  return spawn(command, [...common, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
}

t.test('mosquitto_sub gets what mosquitto_pub sends, properties in order', { skip }, async (t) => {
  const { port, broker } = await runBroker(t);
  const subscribed = new Promise<void>((resolve) => {
    broker.hooks.onSubscribe = () => {
      resolve();
      return undefined;
    };
  });
  const subscriber = run('mosquitto_sub', port, ['-t', 'plant/#', '-C', '2', '-F', '%t %p %P']);
  const ended = once(subscriber, 'close');
  let output = '';
  subscriber.stdout?.on('data', (chunk) => {
    output += String(chunk);
  });
  await subscribed;
  for (const payload of ['first', 'second']) {
    const user = (name: string, value: string) => ['-D', 'publish', 'user-property', name, value];
    const properties = [...user('b', '1'), ...user('a', '2'), ...user('b', '3')];
    const publisher = run('mosquitto_pub', port, ['-t', 'plant/1', '-m', payload, ...properties]);
    const [code] = await once(publisher, 'close');
    t.equal(code, 0);
  }
  const [code] = await ended;
  t.equal(code, 0);
  t.equal(output, 'plant/1 first b:1 a:2 b:3\nplant/1 second b:1 a:2 b:3\n');
  t.equal(broker.counters.acknowledged, 2);
});
