import t from 'tap';
import { type Command, Commands, type ReceivedCommand } from '../../src/demo/commands.js';
import { Plants } from '../../src/demo/plants.js';

const NO_FAULTS = { refused: 0, duplicates: 0, altered: 0, outOfOrder: 0 };

function scene() {
  const commands = new Commands(0);
  // Always the same machine.
  const plants = new Plants(() => 0.5);
  const give = (): Command => {
    const command = plants.command(commands.nextId, 0);
    commands.onSend(command, 2_000);
    return command;
  };
  return { commands, give };
}

function arrival(command: Command, change: Partial<ReceivedCommand> = {}): ReceivedCommand {
  const { key, operator, payload, ...rest } = command;
  const userProperties = new Map(Object.entries({ Key: key, operator }));
  return { ...rest, payload: Buffer.from(payload), userProperties, ...change };
}

t.test('a command is settled when it was written, answered and the answer read', async (t) => {
  const { commands, give } = scene();
  const command = give();
  t.equal(commands.onReceived(arrival(command), 2_040), true);
  commands.onAnswered(command.correlationData, 0);
  t.equal(commands.areAnswered, false, 'Kafka has not said yet that it has the command');
  commands.onReport(1, true);
  t.equal(commands.areAnswered, true);
  t.equal(commands.open, 1);
  commands.onAnswerRead(command.correlationData, 2_050);
  t.equal(commands.open, 0);
  t.strictSame(commands.tally, { sent: 1, written: 1, received: 1, answered: 1, readBack: 1 });
  t.strictSame(commands.faults, NO_FAULTS);
  t.ok(Math.abs((commands.toMachine.whole?.p50Ms ?? 0) - 40) < 1);
  t.ok(Math.abs((commands.toReader.whole?.p50Ms ?? 0) - 10) < 1);
});

t.test('a command that comes twice is a duplicate, and is not answered again', async (t) => {
  const { commands, give } = scene();
  const command = give();
  commands.onReceived(arrival(command), 2_001);
  t.equal(commands.onReceived(arrival(command), 2_002), false);
  commands.onReport(1, true);
  commands.onAnswered(command.correlationData, 0);
  commands.onAnswerRead(command.correlationData, 2_003);
  t.equal(commands.onReceived(arrival(command), 2_004), false, 'settled or not');
  t.equal(commands.faults.duplicates, 2);
  t.equal(commands.tally.received, 1);
});

t.test('a command that differs in any respect is altered and not received', async (t) => {
  const { commands, give } = scene();
  const command = give();
  const properties = Object.entries({ Key: command.key, operator: command.operator });
  const altered: Partial<ReceivedCommand>[] = [
    { mqttTopic: 'plants/north/mill/commands' },
    { payload: Buffer.from('{}') },
    { contentType: undefined },
    { responseTopic: 'elsewhere' },
    { userProperties: new Map(properties.slice(0, 1)) },
    { userProperties: new Map(properties.slice(1)) },
  ];
  for (const [i, change] of altered.entries()) {
    t.equal(commands.onReceived(arrival(command, change), 2_001), false);
    t.equal(commands.faults.altered, i + 1, JSON.stringify(Object.keys(change)));
  }
  t.equal(commands.tally.received, 0);
  t.equal(commands.onReceived(arrival(command), 2_001), true);
});

t.test('a command that comes after a later one of its machine is out of order', async (t) => {
  const { commands, give } = scene();
  const [first, second] = [give(), give()];
  commands.onReceived(arrival(second), 2_001);
  commands.onReceived(arrival(first), 2_001);
  t.equal(commands.faults.outOfOrder, 1);
  t.equal(commands.tally.received, 2);
});

t.test('what Kafka or the broker refuses does not count', async (t) => {
  const { commands, give } = scene();
  const command = give();
  commands.onReport(1, false);
  commands.onReceived(arrival(command), 2_001);
  commands.onAnswered(command.correlationData, 0x87);
  t.equal(commands.faults.refused, 2);
  t.match(commands.tally, { written: 0, answered: 0 });
});

t.test('commands that the operator has not written count apart, and are answered', async (t) => {
  const { commands, give } = scene();
  const command = give();
  for (const correlationData of [undefined, Buffer.from('x'), Buffer.from('demo-command-2')])
    t.equal(commands.onReceived(arrival(command, { correlationData }), 2_001), true);
  commands.onAnswered(Buffer.from('x'), 0);
  commands.onAnswerRead(Buffer.from('x'), 2_002);
  t.equal(commands.foreign, 3);
  t.match(commands.tally, { received: 0, answered: 0, readBack: 0 });
});
