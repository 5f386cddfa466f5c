/* `npm run chaos`: random faults against the connector between a real Kafka and a real MQTT broker, and an
 * independent verdict on what came through. Exit code 0: clean, 1: not, 2: wrong arguments. */
import { writeFile } from 'node:fs/promises';
import { chooseFaults, possibleFaults } from './faults/all.js';
import { type ChaosOptions, commandFor, readOptions, roundMinutesOf, USAGE } from './options.js';
import { reportOf, reportText, roundText } from './report.js';
import { type RoundResult, runRound } from './round.js';
import { startChaosServers } from './servers.js';

const MINUTE_MS = 60_000;
const say = (text: string) => console.error(text);

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  let options: ChaosOptions;
  try {
    options = readOptions(args);
  } catch (error) {
    say(`${(error as Error).message}\n${USAGE}`);
    return 2;
  }
  const startedAt = new Date();
  const rounds: RoundResult[] = [];
  const tell = async (): Promise<number> => {
    const report = reportOf(rounds, { startedAt, acks: options.acks });
    console.log(reportText(report));
    if (options.json !== undefined)
      await writeFile(options.json, `${JSON.stringify(report, undefined, 1)}\n`);
    return report.outcome === 'clean' ? 0 : 1;
  };
  say(`starting Kafka and ${options.broker}`);
  const servers = await startChaosServers(options.broker);
  if (servers.disk === undefined) say('no disk-full: a small disk can be mounted by root only');
  const stop = stopAtSignal(() => servers.stop());
  try {
    const minutes = roundMinutesOf(options);
    const possible = possibleFaults(servers.disk !== undefined);
    const faults = chooseFaults(possible, options.kinds);
    const count = Math.round(options.minutes / minutes);
    for (let index = 0; index < count; index++) {
      const seed = (options.seed + index) >>> 0;
      say(`round ${index + 1} of ${count}, ${minutes.toFixed(1)} minutes, seed ${seed}`);
      const run = { ...options, faults, seed, runMs: minutes * MINUTE_MS, say };
      const round = await runRound(servers, run);
      rounds.push(round);
      say(`round ${index + 1}: ${round.outcome}, ${summary(round)}`);
      if (round.outcome === 'clean') continue;
      for (const line of roundText(round)) say(line);
      say(`the connector said last:\n${round.connectorLog}`);
      say(`the same faults again: ${commandFor(options, seed)}`);
    }
  } finally {
    stop();
    await servers.stop();
  }
  return tell();
}

function summary({ verdict, faults, seconds, repeatsMax, inFlightMax }: RoundResult): string {
  if (verdict === undefined) return 'no verdict';
  const { published, lost, disordered, repeats } = verdict;
  return (
    `${faults.length} faults in ${Math.round(seconds)} s, ${published} messages: ${lost} lost, ` +
    `${disordered} out of order, ${repeats} came again (of ${repeatsMax} that were in flight, ${inFlightMax} on a connection)`
  );
}

/** Ctrl-C ends the servers too. @returns what takes that back */
function stopAtSignal(stopServers: () => Promise<void>): () => void {
  const onSignal = (signal: NodeJS.Signals) => {
    say(`stopped by ${signal}`);
    void stopServers().finally(() => process.exit(1));
  };
  process.once('SIGINT', onSignal);
  process.once('SIGTERM', onSignal);
  return () => {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  };
}
