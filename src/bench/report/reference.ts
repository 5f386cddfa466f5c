/* docs/reference/bench.md: what each figure is, and the shape of a result in JSON. */
import { PARTS } from './figures.js';

const INTRODUCTION = `# Results of the bench

<!-- Generated from src/bench/report by: node dist/src/cli/write-reference.js -->

\`millrace bench\` prints a table, with \`--json\` a result for programs. \`--html FILE\` writes a page with charts beside it,
which needs no network; \`--compare A.json B.json\` says where B differs from A. The options are in [cli.md](cli.md#bench).

Figures are of the measured phase of a round, after its warm-up; with \`--repeat\` the table has the median of all rounds,
and the least and the most. CPU and what is inside the connector are taken while all directions are measured: with
\`--direction both\` from when the later one begins to when the earlier one ends.

A round is void, and with it the result, where a message was not acknowledged, was refused or is not in Kafka exactly as
it was sent, a record is there that is of no message, messages of a key are out of order with \`--acks all\`, a record was
not published as it was written, or at another QoS than \`--qos\`, or out of order, or the connector closed a connection that was in use. The bench then ends
with exit code 1.

After the measured phase every record is read back from a Kafka that is given with \`--kafka\`: key, payload and
headers are compared byte by byte (all headers of Millrace's records, \`Topic\`, \`QoS\`, \`Retain\` and \`Millrace\` among them, with
\`--system-properties\` also those that stand for properties of MQTT v5; of another connector's the user properties), and the messages of one key that went over one MQTT connection must lie in the
order in which they were sent (with \`--acks one\` that is told, and makes nothing void). There is no order to keep with
\`--acks zero\`, of payloads under 16 bytes, and with \`--through-broker\` of a key that has several topics: the output says
so. The embedded Kafka keeps 5 MB of a partition: there, records are only counted.
`;

const JSON_SHAPE = `
## JSON

| field | is |
| --- | --- |
| \`format\` | 1. Fields may be added to it; a change of what one means gives another number |
| \`kind\` | \`bench\`; \`scale\` of \`--preset scale\`, below |
| \`millrace\` | version of Millrace |
| \`valid\` | whether every round counts |
| \`startedAt\` | when, in UTC |
| \`options\` | what the bench was asked to do, defaults included; an option without a value is absent |
| \`kafka\` | \`embedded mock cluster\` or \`as given\` |
| \`machine\` | \`cores\`, \`cpu\`, \`architecture\`, \`memoryBytes\`, \`kernel\`, \`node\`, \`librdkafka\` |
| \`loadAverage\` | of the last minute, before the first round: what else the machine did |
| \`rounds\` | each as it was measured, below |
| \`summary\` | by the names above: \`median\`, \`min\`, \`max\`, and \`values\` of each round. A figure that some round lacks is absent |

Of a round:

| field | is |
| --- | --- |
| \`load\`, \`feed\` | MQTT to Kafka, Kafka to MQTT: \`messages\`, \`payloadBytes\` and \`seconds\` of the measured phase, and counts of all that was sent or written |
| \`load.latency\`, \`feed.latency\` | the percentiles above, and \`curve\`: pairs of percentile and ms, ten a nine up to 99.999 or as far as there are messages |
| \`intervals\` | the measured phase in steps of 250 ms: \`untilSeconds\` from its beginning, messages settled meanwhile (\`load\`, \`feed\`), \`cpuUs\` of the connector |
| \`cpuUsPerMessage\`, \`peakRssBytes\` | of the connector; absent where there is no Linux |
| \`runtime\` | what V8 and the event loops of our own connector did; absent with \`--connector\` |
| \`records\` | in the Kafka topic afterwards; absent where they were not counted |
| \`verification\` | what is known of those records: \`how\` is \`every record\`, \`counts only\` (an embedded Kafka) or \`none\`. Of every record: \`records\`, \`missing\` (messages without one as it was sent), \`damaged\`, \`strange\` (of no message), \`repeated\`, \`outOfOrder\` (messages behind a later one of their key and MQTT connection; absent where that is not checked), \`orderNotChecked\` (why not; absent where it is), \`headers\` (which were compared: \`all\`, \`user properties\` or \`none\`), \`unstamped\` (payloads under 16 bytes: counted per key only), \`checksum\` of all messages, \`expected\` and \`found\`, \`firstWrong\`, and the \`seconds\` that it took |
| \`voidBecause\` | why the round is void; empty for a good one |
`;

const SCALE_SHAPE = `
## Scale

\`--preset scale\` runs a bench for each case of each dimension, one thing larger at a time. Its \`--json\` begins like any
other: \`format\`, \`kind\` (\`scale\`), \`millrace\`, \`valid\`, \`startedAt\`, \`options\` (what all cases have in common), \`kafka\`,
\`machine\`, \`loadAverage\`. Then:

| field | is |
| --- | --- |
| \`noInstructions\` | why instructions are not counted, and CPU time is judged instead; absent where they are |
| \`dimensions\` | each as below |

Of a dimension:

| field | is |
| --- | --- |
| \`name\`, \`about\` | as \`--dimension\` takes it, and in words |
| \`axis\` | how cost should follow the value: \`tenfold\` (in its logarithm), \`kilobytes\`, \`each\`, \`speed-up\` (more shards) or \`ends\` (two cases) |
| \`judged\` | what growth and fit are of: \`instructionsPerMessage\` or \`cpuUsPerMessage\` |
| \`cases\` | \`label\`, \`value\`, \`settings\` (the options in which it differs), \`rounds\` (that count), \`voidBecause\` (why others do not), and \`messagesPerSecond\`, \`cpuUsPerMessage\`, \`instructionsPerMessage\`, \`peakRssMegabytes\`: each with \`median\`, \`min\`, \`max\` and the \`values\` of the rounds, absent where a round lacks it |
| \`fit\` | \`constant\` and \`slope\` of the line through the medians over \`x\`, and \`slopePercent\` of the cost of the smallest case; absent without an axis |
| \`growth\` | \`percent\` from the first case to the last, of medians; \`leastPercent\` and \`mostPercent\` of any two rounds; absent where one has none |
| \`limitPercent\`, \`withinLimit\` | what it may grow by, and whether it does not; absent where there is no limit |

The exit code is 0 where every round counts, whatever grew. \`--html\` and \`--compare\` are of single benches: they refuse a
scale bench with exit code 2. Run the case in question alone, with its \`settings\`.
`;

const COMPARISON = `
## Comparing

\`--compare A.json B.json\` lists first which options and what of the machine differ, since figures then differ for that
reason too. A void result is refused. Of each figure that both have it gives both medians, B divided by A, and a verdict:

| verdict | where |
| --- | --- |
| \`better\`, \`worse\`, \`differs\` | each median lies outside the range of the other's rounds, and the rounds are ranked more unevenly than by chance (exact two-sided test of Mann and Whitney, with Holm's correction over all figures that are compared and vary: by chance alone at most 5 of 100 comparisons call any figure different). \`differs\` where neither direction is better |
| \`no difference shown\` | they are not so far apart, or the same in every round |
| \`too few rounds to tell\` | even rounds that lie wholly apart could be chance. One figure needs 4 rounds of each, 10 need 6, 30 need 7: what is compared says so below |

The more figures are compared at once, the more rounds it takes. \`--figure NAME...\` compares only those that are asked
about, by the names above: name them before you look at the results, else the correction is void. Figures that one of
the two lacks are listed.

\`--fail-on-worse\` ends with exit code 1 where a figure is worse, and with exit code 2 and what is needed where there are
too few rounds to tell, or no figure in common: a build that cannot see a loss does not pass.
`;

/** The whole page, as it is kept in docs/reference/bench.md. */
export function benchReference(): string {
  const tables = PARTS.map(({ heading, metrics }) => {
    const rows = metrics.map(
      ({ name, meaning, better }) => `| \`${name}\` | ${better ?? ''} | ${meaning} |\n`,
    );
    return `\n## ${heading}\n\n| figure | better | meaning |\n| --- | --- | --- |\n${rows.join('')}`;
  });
  return [INTRODUCTION, ...tables, JSON_SHAPE, SCALE_SHAPE, COMPARISON].join('');
}
