/* argv -> a command. Each command's work is in its own file, loaded when it is asked for. */
import { Command } from 'commander';
import { registerBench } from './bench-options.js';
import { dataDir } from './data-dir.js';
import { registerDeadLetters } from './dead-letters-options.js';
import { registerDoctor } from './doctor-options.js';
import { registerExplain } from './explain-options.js';
import { seconds, wholeNumber } from './numbers.js';
import { TOKEN_FILE_OPTION } from './token-file-option.js';
import { millraceVersion } from './version.js';

const DATA_DIR = 'millrace-data';

/** The command line; actions set process.exitCode. */
export function createProgram(): Command {
  const program = new Command('millrace')
    .description('A bridge between MQTT v5 brokers and Apache Kafka or Azure Event Hubs')
    .version(millraceVersion())
    .showHelpAfterError('(millrace --help shows what there is)')
    .exitOverride();
  registerDemo(program);
  registerRun(program);
  registerValidate(program);
  registerDoctor(configurationOptions(program.command('doctor')));
  registerExplain(configurationOptions(program.command('explain')));
  registerBench(program);
  registerDeadLetters(program);
  return program;
}

function registerDemo(program: Command): void {
  program
    .command('demo')
    .description('run devices, an MQTT broker, Millrace and Kafka in this process, and watch')
    .option('--seconds <n>', 'end after so long (default: at Ctrl-C)', seconds)
    .option(
      '--rate <n>',
      'messages a second that the devices publish',
      wholeNumber(1, 10_000),
      2000,
    )
    .option('--print-config', 'print the configuration for brokers of your own, and end', false)
    .action(async (options) => {
      const { demoCommand } = await import('./demo.js');
      process.exitCode = await demoCommand(options, process.stdout);
    });
}

function registerRun(program: Command): void {
  configurationOptions(program.command('run'))
    .description('carry messages until SIGTERM')
    .option(
      '--data-dir <dir>',
      'dead letters and what sessions need across restarts',
      dataDir,
      DATA_DIR,
    )
    .option('--admin-address <host:port>', '/metrics, /livez and /readyz', '127.0.0.1:9464')
    .option(...TOKEN_FILE_OPTION)
    .option('--drain-timeout <seconds>', 'for what is in flight at SIGTERM', seconds, 30)
    .action(async ({ file, drainTimeout, ...options }) => {
      const { runCommand } = await import('./run.js');
      process.exitCode = await runCommand({
        ...options,
        files: file,
        drainTimeoutSeconds: drainTimeout,
      });
    });
}

function registerValidate(program: Command): void {
  configurationOptions(program.command('validate'))
    .description('check the configuration and start nothing')
    .option('--json', 'problems as JSON', false)
    .action(async ({ file, ...options }) => {
      const { validateCommand } = await import('./validate.js');
      const streams = { stdin: process.stdin, stdout: process.stdout };
      process.exitCode = await validateCommand({ ...options, files: file }, streams);
    });
}

function configurationOptions(command: Command): Command {
  return command
    .requiredOption('-f, --file <path...>', 'files or folders with resources; - is standard input')
    .option('--secrets-dir <dir>', 'secrets as Kubernetes mounts them: <dir>/<secret>/<key>')
    .option('--config-maps-dir <dir>', 'config maps likewise')
    .option(
      '--instance-id <n>',
      'which of `instances` this process is, from 0',
      wholeNumber(0, 65_535),
      0,
    );
}
