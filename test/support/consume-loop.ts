import type { FromWorker, PartitionOffset } from '../../src/channel/protocol.js';
import { ConsumeLoop } from '../../src/worker/consume-loop.js';
import { FakeConsumer } from './fake-consumer.js';
import { plainKafka } from './kafka-access.js';
import { ManualClock } from './manual-clock.js';

/** A loop that consumes, by consumers that are played, and what it tells main. */
export function setUp() {
  const clock = new ManualClock();
  const consumers: FakeConsumer[] = [];
  const posted: FromWorker[] = [];
  const statistics: (string | undefined)[] = [];
  let wakes = 0;
  const loop = new ConsumeLoop({
    kafka: plainKafka('127.0.0.1:1'),
    onFault: () => {},
    routeIndex: 3,
    open: () => {
      const consumer = new FakeConsumer();
      consumers.push(consumer);
      return consumer;
    },
    clock,
    post: (message) => posted.push(message),
    errorName: (code) => `E${code}`,
    onStatistics: (json) => statistics.push(json),
    wake: () => wakes++,
  });
  return {
    clock,
    consumers,
    statistics,
    loop,
    /** The one that is open. */
    get native() {
      return consumers.at(-1) as FakeConsumer;
    },
    get wakes() {
      return wakes;
    },
    /** What was posted since the last time. */
    posted: () => posted.splice(0),
    commit: (...offsets: PartitionOffset[]) => loop.onCommit({ routeIndex: 3, offsets }),
    released: (revocation: number, ...offsets: PartitionOffset[]) =>
      loop.onReleased({ kind: 'released', routeIndex: 3, revocation, offsets }),
  };
}

export type SetUp = ReturnType<typeof setUp>;

/** With partitions 0, 1 and 2. */
export function assigned(): SetUp {
  const all = setUp();
  all.native.assigned(0, 1, 2);
  all.loop.turn();
  all.native.takeCalls();
  all.posted();
  return all;
}

export const at = (partition: number, offset: number): PartitionOffset => ({ partition, offset });

/** Lets promises that are resolved go on. */
export async function turns(): Promise<void> {
  for (let i = 0; i < 5; i++) await Promise.resolve();
}
