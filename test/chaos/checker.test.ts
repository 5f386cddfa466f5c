import { readFileSync } from 'node:fs';
import t from 'tap';
import { Checker, type Circumstances, type FoundRecord, judge, type Verdict } from './checker.js';
import { KeyJournal, payloadOf, readPayload } from './journal.js';

/* The checker against a Kafka that is made up, with one thing wrong at a time. */

const KEYS = ['plant/1', 'plant/2', 'plant/3'];
const EACH = 500;
const CLEAN: Circumstances = { repeatsMax: 0, mayLose: false };

interface Made {
  readonly journals: KeyJournal[];
  readonly records: FoundRecord[];
}

function recordOf(key: string, number: number, attempt = 0): FoundRecord {
  const value = Buffer.from(payloadOf({ key, number, attempt }, 60));
  return { partition: KEYS.indexOf(key), offset: number, key: Buffer.from(key), value };
}

/** Every key's messages, each sent and acknowledged once and found once. */
function make(): Made {
  const journals = KEYS.map((key) => new KeyJournal(key));
  const records: FoundRecord[] = [];
  for (let number = 0; number < EACH; number++) {
    for (const journal of journals) {
      journal.attempt(journal.next());
      journal.acknowledge(number);
      records.push(recordOf(journal.key, number));
    }
  }
  return { journals, records };
}

function check({ journals, records }: Made): Verdict {
  const checker = new Checker(journals);
  for (const record of records) checker.add(record);
  return checker.verdict();
}

t.test('what is as it should be is clean', async (t) => {
  const verdict = check(make());
  t.strictSame(judge(verdict, CLEAN), []);
  t.match(verdict, { records: 1500, published: 1500, acknowledged: 1500, found: 1500 });
});

t.test('one planted loss is found, and which it is', async (t) => {
  for (const index of [0, 700, 1499]) {
    const made = make();
    const [gone] = made.records.splice(index, 1) as [FoundRecord];
    const verdict = check(made);
    t.equal(verdict.lost, 1);
    t.strictSame(verdict.examples, [`lost: ${gone.key} ${gone.offset}`]);
    t.strictSame(judge(verdict, CLEAN), ['1 acknowledged message(s) lost']);
  }
});

t.test('what no PUBACK came for may be missing', async (t) => {
  const made = make();
  made.journals[0]?.attempt(made.journals[0].next());
  const verdict = check(made);
  t.match(verdict, { published: 1501, acknowledged: 1500, lost: 0 });
  t.strictSame(judge(verdict, CLEAN), []);
});

t.test('planted repetitions are counted, and judged by what was in flight', async (t) => {
  const made = make();
  made.records.push(recordOf('plant/1', 490), recordOf('plant/1', 491), recordOf('plant/2', 0));
  const verdict = check(made);
  t.match(verdict, { repeats: 3, resent: 0, lost: 0, disordered: 0 });
  t.strictSame(judge(verdict, { ...CLEAN, repeatsMax: 3 }), []);
  t.match(judge(verdict, { ...CLEAN, repeatsMax: 2 }), [/3 record\(s\) came again, where 2 were/]);
});

t.test('what a publisher sent again is not held against anybody', async (t) => {
  const made = make();
  made.journals[0]?.attempt(499);
  made.records.push(recordOf('plant/1', 499, 1));
  t.match(check(made), { repeats: 0, resent: 1, altered: 0 });
  made.records.push(recordOf('plant/1', 499, 1));
  t.match(check(made), { repeats: 1, resent: 1 });
});

t.test('a planted swap of first occurrences is found, a late repetition is none', async (t) => {
  const made = make();
  const { records } = made;
  // Neighbours of one key are three apart.
  [records[300], records[303]] = [records[303] as FoundRecord, records[300] as FoundRecord];
  const verdict = check(made);
  t.match(verdict, { disordered: 1, lost: 0, repeats: 0 });
  t.match(verdict.examples, [/plant\/1 100 comes behind 101/]);
  t.strictSame(judge(verdict, CLEAN), ['1 message(s) out of order']);
  const late = make();
  late.records.push(recordOf('plant/1', 3));
  t.equal(check(late).disordered, 0);
});

t.test('a record that nobody published is found: bytes, key, number, attempt', async (t) => {
  const wrong: readonly FoundRecord[] = [
    { ...recordOf('plant/1', 5), value: null },
    { ...recordOf('plant/1', 5), key: null },
    { ...recordOf('plant/1', 5), key: Buffer.from('plant/2') },
    { ...recordOf('plant/1', 5), value: Buffer.from('plant/1 5 0 60 the quick') },
    recordOf('plant/1', EACH),
    recordOf('plant/1', 5, 1),
    recordOf('plant/9', 5),
  ];
  for (const record of wrong) {
    const made = make();
    made.records.push(record);
    t.match(check(made), { altered: 1, lost: 0, repeats: 0 }, `${record.value}`);
  }
  for (let at = 0; at < 60; at++) {
    const value = Buffer.from(payloadOf({ key: 'plant/1', number: 5, attempt: 0 }, 60));
    value[at] = (value[at] as number) ^ 1;
    const made = make();
    made.records[15] = { ...recordOf('plant/1', 5), value };
    const verdict = check(made);
    t.ok(verdict.lost === 1 && verdict.altered === 1, `byte ${at}: ${value}`);
  }
});

t.test('a key in two partitions has no order, and is found', async (t) => {
  const made = make();
  made.records[1497] = { ...recordOf('plant/1', 499), partition: 7 };
  t.match(check(made), { strayed: 1, lost: 0, altered: 0 });
});

t.test(
  'with acks one a broker that failed may have lost something, and nothing else',
  async (t) => {
    const made = make();
    made.records.splice(10, 1);
    const may = { ...CLEAN, mayLose: true };
    t.strictSame(judge(check(made), may), []);
    made.records.push(recordOf('plant/9', 5));
    t.strictSame(judge(check(made), may), ['1 record(s) that nobody published']);
  },
);

t.test('a run in which nothing was published proves nothing', async (t) => {
  t.strictSame(judge(check({ journals: [], records: [] }), CLEAN), ['nothing was published']);
});

t.test('payloads of any length are read back', async (t) => {
  for (const bytes of [0, 30, 200, 1_300_000]) {
    const identity = { key: 'plant/1', number: 12_345, attempt: 2 };
    const payload = payloadOf(identity, bytes);
    t.equal(payload.length, Math.max(bytes, payload.indexOf(` ${bytes} `) + `${bytes}`.length + 2));
    t.strictSame(readPayload(Buffer.from(payload)), identity);
  }
});

t.test('the checker shares no code with what it judges', async (t) => {
  const seen = new Set<string>();
  const visit = (url: URL) => {
    if (seen.has(url.href)) return;
    seen.add(url.href);
    const imports = readFileSync(url, 'utf8').matchAll(/from '(\.[^']+)'/g);
    for (const [, file = ''] of imports) visit(new URL(file, url));
  };
  for (const file of ['./checker.js', '../support/real/kcat.js', './publishers.js'])
    visit(new URL(file, import.meta.url));
  t.ok(seen.size >= 4);
  t.strictSame(
    [...seen].filter((file) => file.includes('/src/')),
    [],
  );
});
