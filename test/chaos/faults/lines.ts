import type { Random } from '../../support/random.js';
import type { Proxy as Line } from '../../support/real/proxy.js';
import { type Fault, type Lane, nothingToEnd, type Parties } from './fault.js';

/* What happens to connections, on the way to the MQTT broker and on the ways to the brokers of Kafka. */

interface Way {
  readonly lane: Lane;
  readonly prefix: string;
  readonly lines: (parties: Parties, random: Random) => readonly Line[];
}

type Manner = (lines: readonly Line[], random: Random) => () => void;

const MANNERS: readonly (readonly [name: string, ms: Fault['ms'], manner: Manner])[] = [
  ['cut', [0, 0], (lines) => after(lines, (line) => line.drop())],
  [
    'away',
    [200, 8000],
    (lines) =>
      after(
        lines,
        (line) => line.away(),
        (line) => line.back(),
      ),
  ],
  [
    'stall',
    [500, 14_000],
    (lines) =>
      after(
        lines,
        (line) => line.stall(),
        (line) => line.flow(),
      ),
  ],
  ['slow', [1000, 10_000], slow],
  ['tear', [500, 3000], tear],
];

function after(
  lines: readonly Line[],
  begin: (line: Line) => void,
  end: (line: Line) => void = () => {},
): () => void {
  lines.forEach(begin);
  return () => lines.forEach(end);
}

/** From less than a message of every second to about what the load needs. */
function slow(lines: readonly Line[], random: Random): () => void {
  const bytesPerSecond = Math.round(10 ** (2 + 3.5 * random.next()));
  return after(
    lines,
    (line) => line.slow(bytesPerSecond),
    (line) => line.flow(),
  );
}

function tear(lines: readonly Line[], random: Random): () => void {
  const bytes = random.between(1, 100_000);
  return after(lines, (line) => line.tear(bytes));
}

const MQTT: Way = { lane: 'mqtt', prefix: 'mqtt-line', lines: ({ mqttLine }) => [mqttLine] };
const KAFKA: Way = {
  lane: 'kafka',
  prefix: 'kafka-line',
  lines: ({ kafka: { lines } }, random) => (random.chance(0.5) ? lines : [random.pick(lines)]),
};

export const LINE_FAULTS: readonly Fault[] = [MQTT, KAFKA].flatMap(({ lane, prefix, lines }) =>
  MANNERS.map(([name, ms, manner]) => ({
    ...{ name: `${prefix}-${name}`, lane, ms },
    async begin(parties: Parties, random: Random) {
      const end = manner(lines(parties, random), random);
      return name === 'cut' ? nothingToEnd : async () => end();
    },
  })),
);
