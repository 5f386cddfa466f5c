/* The operator: a command for some machine now and then, written to Kafka. */
import type { Clock } from '../base/clock.js';
import type { Command, Commands } from './commands.js';
import type { Plants } from './plants.js';

const COMMAND_EVERY_MS = 200;
/** More commands than these are not on their way; what is not given because of it is left out. */
const OPEN_MAX = 100;

/** Writes commands to Kafka. */
export interface CommandWriter {
  /** `onReport` is called once, when Kafka has it or will not have it. */
  write(command: Command, onReport: (isWritten: boolean) => void): void;
}

export interface OperatorOptions {
  readonly plants: Plants;
  readonly commands: Commands;
  readonly writer: CommandWriter;
  readonly clock: Clock;
}

export class Operator {
  readonly #options: OperatorOptions;
  #cancel: () => void = () => {};

  constructor(options: OperatorOptions) {
    this.#options = options;
  }

  /** Gives the first command at once. */
  start(): void {
    this.#command();
    this.#cancel = this.#options.clock.after(COMMAND_EVERY_MS, () => this.start());
  }

  stop(): void {
    this.#cancel();
  }

  #command(): void {
    const { plants, commands, writer, clock } = this.#options;
    if (commands.open >= OPEN_MAX) return;
    const command = plants.command(commands.nextId, clock.wallMs());
    const id = commands.onSend(command, clock.monotonicMs());
    writer.write(command, (isWritten) => commands.onReport(id, isWritten));
  }
}
