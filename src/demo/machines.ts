/* The machines at the broker: each has an MQTT client of its own, receives commands, and answers. */
import type { Clock } from '../base/clock.js';
import type { PublishInput } from './broker/message.js';
import type { Closers } from './closers.js';
import type { Commands, ReceivedCommand } from './commands.js';
import { MachineClient } from './machine-client.js';
import type { Machine, Plants } from './plants.js';
import type { Reconciliation } from './reconcile.js';

export interface MachinesOptions {
  readonly mqttPort: number;
  /** The route that takes their answers. */
  readonly route: string;
  readonly plants: Plants;
  readonly commands: Commands;
  readonly reconciliation: Reconciliation;
  readonly clock: Clock;
}

/** Resolves when all of them have subscribed. */
export async function startMachines(options: MachinesOptions, closers: Closers): Promise<void> {
  const { mqttPort, plants, commands } = options;
  const clients = plants.machines.map(
    (machine) =>
      new MachineClient({
        port: mqttPort,
        clientId: `machine-${machine.id}`,
        topicFilter: machine.commandTopic,
        answer: (command) => answerTo(command, machine, options),
        onAnswered: (data, reasonCode) => commands.onAnswered(data, reasonCode),
      }),
  );
  closers.add(() => Promise.all(clients.map((client) => client.close())));
  await Promise.all(clients.map((client) => client.connect()));
}

/** A machine answers to its own topic only: somebody's command may ask for any. */
function answerTo(
  command: ReceivedCommand,
  machine: Machine,
  { route, plants, commands, reconciliation, clock }: MachinesOptions,
): PublishInput | undefined {
  const nowMs = clock.monotonicMs();
  if (!commands.onReceived(command, nowMs)) return undefined;
  if (command.responseTopic !== machine.answerTopic) return undefined;
  const answer = plants.answer(reconciliation.nextId, clock.wallMs(), machine, command);
  const { topic, payload = '' } = answer;
  reconciliation.onPublish({ route, topic, payload }, nowMs);
  return answer;
}
