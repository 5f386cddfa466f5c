import t from 'tap';
import { Ledger, NO_REGION, PERSISTED } from '../../src/delivery/ledger.js';
import { Settling } from '../../src/engine/settling.js';
import type { CompiledRoute, Match } from '../../src/flow/to-kafka/routes.js';
import { captureLog } from '../support/captured-log.js';
import { ManualClock } from '../support/manual-clock.js';
import { nextTurn } from '../support/scripted-socket.js';

const WARN = 40;

function create() {
  const clock = new ManualClock();
  const ledger = new Ledger<Match>(8);
  const { log, lines } = captureLog();
  const state = { publishes: 0 };
  const settling = new Settling({
    ledger,
    sessions: ['s-0', 's-1'],
    publishes: () => state.publishes,
    clock,
    log,
  });
  const open = (session: number, ...routes: string[]) => {
    const match = { routes: routes.map((name) => ({ name }) as CompiledRoute) } as unknown as Match;
    return ledger.open(session, 1, 1, NO_REGION, clock.monotonicMs(), match);
  };
  const settle = (id: number) => {
    ledger.settle(id, PERSISTED);
    ledger.close(id);
    settling.onSettled();
  };
  let ended = false;
  const wait = (timeoutMs: number) => {
    settling.wait(timeoutMs).then(() => {
      ended = true;
    });
  };
  const isOver = async () => {
    await nextTurn();
    return ended;
  };
  return { clock, lines, state, settling, open, settle, wait, isOver };
}

t.test('with nothing in flight there is nothing to wait for, or to say', async (t) => {
  const { lines, wait, isOver } = create();
  wait(30_000);
  t.ok(await isOver());
  t.strictSame(lines, []);
});

t.test('records on their way to MQTT are waited for too', async (t) => {
  const { clock, lines, state, settling, wait, isOver } = create();
  state.publishes = 2;
  wait(30_000);
  clock.advance(500);
  t.match(lines, [{ deliveries: 0, publishes: 2 }]);
  t.notOk(await isOver());
  state.publishes = 0;
  settling.onSettled();
  t.ok(await isOver());
});

t.test('what it waits for is said soon, and again while it waits', async (t) => {
  const { clock, lines, open, settle, wait, isOver } = create();
  const first = open(0, 'r');
  open(0, 'r', 'both');
  clock.advance(2000);
  open(1, 'other');
  wait(30_000);
  t.strictSame(lines, [], 'a Kafka that answers is through in a moment');
  clock.advance(500);
  t.match(lines, [
    {
      level: WARN,
      msg: 'stopping: waits for what is in flight to be acknowledged',
      deliveries: 3,
      routes: { r: 2, both: 1, other: 1 },
      sessions: { 's-0': 2, 's-1': 1 },
      oldestSeconds: 3,
      secondsLeft: 30,
    },
  ]);
  settle(first);
  clock.advance(11_000);
  t.notOk(await isOver());
  t.match(lines.slice(1), [
    { level: WARN, deliveries: 2, oldestSeconds: 8, secondsLeft: 25 },
    { level: WARN, deliveries: 2, oldestSeconds: 13, secondsLeft: 20, sessions: { 's-0': 1 } },
  ]);
});

t.test('it ends with the last settlement, and says nothing more', async (t) => {
  const { clock, lines, open, settle, wait, isOver } = create();
  const [a, b] = [open(0, 'r'), open(0, 'r')];
  wait(30_000);
  settle(b);
  t.notOk(await isOver());
  settle(a);
  t.ok(await isOver());
  clock.advance(60_000);
  t.strictSame(lines, []);
});

t.test('what is left when the time is over is said', async (t) => {
  const { clock, lines, open, wait, isOver } = create();
  open(1, 'r');
  wait(6000);
  clock.advance(6000);
  t.ok(await isOver());
  t.match(lines.at(-1), {
    level: WARN,
    msg: /not settled in time/,
    deliveries: 1,
    routes: { r: 1 },
    sessions: { 's-1': 1 },
  });
  const said = lines.length;
  clock.advance(60_000);
  t.equal(lines.length, said);
});
