/* Millrace and other bridges under the same load, on the same Kafka, in turns:
 *   node dist/native-bench/peers/run.js --kafka HOST:PORT [--case NAME] [--telegraf] [--camel]
 */
import { OperatingError, UsageError } from '../../src/base/errors.js';
import { type ConnectorUnderTest, MILLRACE } from '../../src/bench/connector-under-test.js';
import { openKafka } from '../../src/bench/kafka-target.js';
import { type RoundReport, runRound } from '../../src/bench/round.js';
import { type PeersArguments, parseArguments } from './arguments.js';
import { CAMEL } from './camel.js';
import { type Case, optionsOf } from './cases.js';
import { bestOf, type Figures, figuresOf, verdictsOf } from './figures.js';
import { GO_REFERENCE, GO_REFERENCE_PAHO_ACKS } from './go-reference.js';
import type { Peer } from './peer.js';
import { type CaseResult, describeCase, type Entry } from './table.js';
import { TELEGRAF } from './telegraf.js';

type Competitor = ConnectorUnderTest & Partial<Pick<Peer, 'unable'>>;

interface Session {
  readonly settings: PeersArguments;
  readonly competitors: readonly Competitor[];
  readonly target: Awaited<ReturnType<typeof openKafka>>;
  readonly interrupted: AbortSignal;
  /** Of Millrace, by case. */
  readonly ours: Map<string, Figures>;
}

function peersOf({ pahoAcks, telegraf, camel }: PeersArguments): Peer[] {
  const peers = [GO_REFERENCE];
  if (pahoAcks) peers.push(GO_REFERENCE_PAHO_ACKS);
  if (telegraf) peers.push(TELEGRAF);
  if (camel) peers.push(CAMEL);
  return peers;
}

/** One round, or in words why there is none. */
async function runOnce(
  competitor: Competitor,
  which: Case,
  { settings, target, interrupted }: Session,
): Promise<RoundReport | string> {
  const onWarning = (text: string) => console.error(`peers: ${text}`);
  const context = { target, interrupted, onWarning, connectorUnderTest: competitor };
  try {
    return await runRound(optionsOf(which, settings), context);
  } catch (error) {
    interrupted.throwIfAborted();
    if (error instanceof OperatingError) return error.message;
    throw error;
  }
}

/** All take turns, so that a machine that grows slower treats all of them alike. */
async function runCase(which: Case, session: Session): Promise<CaseResult & { best: Figures }> {
  const options = optionsOf(which, session.settings);
  const able = session.competitors.filter(({ unable }) => unable?.(options) === undefined);
  const rounds = new Map<Competitor, RoundReport[]>(able.map((competitor) => [competitor, []]));
  const remarks = new Map<Competitor, string[]>();
  for (const competitor of session.competitors) {
    const why = competitor.unable?.(options);
    remarks.set(competitor, why === undefined ? [] : [why]);
  }
  for (let turn = 1; turn <= session.settings.repeat; turn += 1) {
    for (const competitor of able) {
      const round = await runOnce(competitor, which, session);
      const problems = typeof round === 'string' ? [round] : round.voidBecause;
      if (typeof round !== 'string') rounds.get(competitor)?.push(round);
      remarks.get(competitor)?.push(...problems.map((text) => `round ${turn}: ${text}`));
      const word = problems.length === 0 ? 'done' : problems.join('; ');
      console.error(`${which.name}, round ${turn}, ${competitor.name}: ${word}`);
    }
  }
  const entries: Entry[] = session.competitors.map((competitor) => ({
    name: competitor.name,
    figures: figuresOf(rounds.get(competitor) ?? [], options),
    remarks: remarks.get(competitor) ?? [],
  }));
  return judge(which, entries, session);
}

function judge(which: Case, entries: readonly Entry[], { ours }: Session) {
  const best = bestOf(
    entries.filter(({ name }) => name !== MILLRACE.name).map(({ figures }) => figures),
  );
  const own = entries.find(({ name }) => name === MILLRACE.name)?.figures;
  if (own !== undefined) ours.set(which.name, own);
  const ofCase = which.goal.ofCase && ours.get(which.goal.ofCase.name);
  const verdicts = own === undefined ? [] : verdictsOf(which, own, best, ofCase);
  return { case: which, entries, verdicts, best };
}

async function compare(settings: PeersArguments, interrupted: AbortSignal): Promise<void> {
  const peers = peersOf(settings);
  for (const peer of peers) await peer.build();
  const competitors = settings.peersOnly ? peers : [MILLRACE, ...peers];
  const target = await openKafka(settings.kafka);
  const results: CaseResult[] = [];
  try {
    const session = { settings, competitors, target, interrupted, ours: new Map() };
    for (const which of settings.cases) {
      const { best, ...result } = await runCase(which, session);
      results.push(result);
      if (!settings.json) console.log(`${describeCase(result, best)}\n`);
    }
  } finally {
    await target.close();
  }
  const caveats = peers.map(({ name, caveats }) => ({ name, caveats }));
  if (settings.json) console.log(JSON.stringify({ settings, results, caveats }, undefined, 2));
  else for (const { name, caveats: texts } of caveats) console.log(`${name}: ${texts.join('; ')}`);
}

const interruption = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => interruption.abort(new OperatingError('ERR_PEERS', 'interrupted')));
}
try {
  await compare(parseArguments(process.argv.slice(2)), interruption.signal);
} catch (error) {
  const cause = interruption.signal.aborted ? interruption.signal.reason : error;
  if (!(cause instanceof UsageError || cause instanceof OperatingError)) throw cause;
  console.error(`peers: ${cause.message}`);
  process.exitCode = cause instanceof UsageError ? 2 : 1;
}
