import t from 'tap';
import { type Command, Commands } from '../../src/demo/commands.js';
import { Operator } from '../../src/demo/operator.js';
import { Plants } from '../../src/demo/plants.js';
import { ManualClock } from '../support/manual-clock.js';

function scene() {
  const clock = new ManualClock();
  const commands = new Commands(clock.monotonicMs());
  const written: Command[] = [];
  const writer = {
    write: (command: Command, onReport: (isWritten: boolean) => void) => {
      written.push(command);
      onReport(true);
    },
  };
  const operator = new Operator({ plants: new Plants(Math.random), commands, writer, clock });
  return { clock, commands, written, operator };
}

t.test('the first command is given at once, and more now and then', async (t) => {
  const { clock, commands, written, operator } = scene();
  operator.start();
  t.equal(written.length, 1);
  clock.advance(1_000);
  t.equal(written.length, 6);
  t.match(commands.tally, { sent: 6, written: 6 });
  t.match(written[0], { mqttTopic: `plants/${written[0]?.key}/commands` });
  t.equal(new Set(written.map((each) => String(each.correlationData))).size, 6);
});

t.test('nothing is given that the machines are not close behind', async (t) => {
  const { clock, commands, written, operator } = scene();
  operator.start();
  clock.advance(60_000);
  t.equal(commands.open, 100);
  t.equal(written.length, 100);
});

t.test('an operator that was stopped gives nothing more', async (t) => {
  const { clock, written, operator } = scene();
  operator.start();
  operator.stop();
  clock.advance(1_000);
  t.equal(written.length, 1);
});
