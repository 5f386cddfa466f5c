/* The command line of `millrace dead-letters list|show|replay`. */
import type { Command } from 'commander';
import { dataDir } from './data-dir.js';
import type { DeadLettersContext } from './dead-letters.js';
import { positiveNumber } from './numbers.js';
import { TOKEN_FILE_OPTION } from './token-file-option.js';

export interface ListOptions {
  readonly dataDir: string;
  readonly json: boolean;
}

export interface ShowOptions {
  readonly dataDir: string;
  readonly raw: boolean;
}

export interface ReplayCommandOptions {
  readonly dataDir: string;
  readonly file: readonly string[];
  readonly secretsDir?: string;
  readonly configMapsDir?: string;
  readonly serviceAccountTokenFile?: string;
  readonly all: boolean;
  readonly keep: boolean;
  readonly kafkaTopic?: string;
  readonly mqttTopic?: string;
  readonly timeout: number;
}

/** Adds `dead-letters` with its three commands to the program; without `context` they act for the process. */
export function registerDeadLetters(program: Command, context?: DeadLettersContext): void {
  const command = program
    .command('dead-letters')
    .description('look at messages that could not be delivered, and send them again');
  command
    .command('list')
    .description('list dead letters, oldest first')
    .requiredOption('--data-dir <dir>', 'data folder of the connector', dataDir)
    .option('--json', 'for programs', false)
    .action(async (options: ListOptions) => {
      const { listLetters, processContext } = await import('./dead-letters.js');
      await listLetters(options, context ?? processContext);
    });
  command
    .command('show <id>')
    .description('show one dead letter')
    .requiredOption('--data-dir <dir>', 'data folder of the connector', dataDir)
    .option('--raw', 'write the payload, and nothing else, to standard output', false)
    .action(async (id: string, options: ShowOptions) => {
      const { processContext, showLetter } = await import('./dead-letters.js');
      await showLetter(id, options, context ?? processContext);
    });
  command
    .command('replay [ids...]')
    .description(
      'send dead letters again to where they were on their way: each is removed once Kafka, or the MQTT ' +
        'broker, has it',
    )
    .requiredOption('--data-dir <dir>', 'data folder of the connector', dataDir)
    .requiredOption(
      '-f, --file <paths...>',
      'resources that say where Kafka and the MQTT broker are',
    )
    .option('--secrets-dir <dir>', 'secrets as Kubernetes mounts them: <dir>/<secret>/<key>')
    .option('--config-maps-dir <dir>', 'config maps likewise')
    .option(...TOKEN_FILE_OPTION)
    .option('--all', 'every dead letter', false)
    .option('--keep', 'do not remove what was sent', false)
    .option(
      '--kafka-topic <name>',
      "send those for Kafka to this topic instead of the letter's own",
    )
    .option(
      '--mqtt-topic <name>',
      "publish those for MQTT to this topic instead of the letter's own",
    )
    .option(
      '--timeout <seconds>',
      'how long the other side may take for a letter',
      positiveNumber(86_400),
      30,
    )
    .action(async (ids: string[], options: ReplayCommandOptions) => {
      const { processContext, replay } = await import('./dead-letters.js');
      await replay(ids, options, context ?? processContext);
    });
}
