import { Script } from 'node:vm';
import t from 'tap';
import { htmlPage } from '../../../../src/bench/report/html/page.js';
import { resultOf } from '../../../../src/bench/report/result.js';
import { LOAD_REPORT, REPORT, ROUND } from '../../../support/bench-rounds.js';

const HOSTILE = `</script><img src=x onerror=alert(1)>"'&`;
const page = htmlPage(resultOf(REPORT, '1.2.3'));

function scriptsOf(html: string): string[] {
  return [...html.matchAll(/<script>([\s\S]*?)<\/script>/g)].map((match) => match[1] ?? '');
}

t.test('the page holds everything that it needs, and may load nothing', async (t) => {
  t.match(page, `content="default-src 'none'`);
  t.notMatch(page, /<link|<img|<script[^>]*src|@import|url\(/);
  const scripts = scriptsOf(page);
  t.equal(scripts.length, 2);
  for (const script of scripts) t.doesNotThrow(() => new Script(script), 'it is JavaScript');
  t.match(scripts[0], /MIT License[\s\S]*uPlot=/);
});

t.test('it has the figures, the machine and the options', async (t) => {
  t.match(page, /<td[^>]*>messages\/s<\/td><td>5<\/td>/);
  t.match(page, '<td>cpu</td><td>A Processor</td>');
  t.match(page, '<td>payloadBytes</td><td>200</td>');
  t.match(page, '>valid</span>');
  t.match(page, 'There is no latency');
});

t.test('a void run is marked, and says why', async (t) => {
  const rounds = [ROUND, { ...ROUND, voidBecause: ['3 messages refused'] }];
  const text = htmlPage(resultOf({ ...REPORT, rounds }, '1.2.3'));
  t.match(text, '>VOID</span>');
  t.match(text, '<li>round 2: 3 messages refused</li>');
  t.match(text, '<th>min</th><th>max</th>', 'two rounds have a spread');
  t.notMatch(page, '<th>min</th>');
});

t.test('a backlog of the warm-up is told', async (t) => {
  const options = { ...REPORT.options, rate: 100 };
  const rounds = [{ ...ROUND, load: { ...LOAD_REPORT, backlog: 500 } }];
  const text = htmlPage(resultOf({ ...REPORT, options, rounds }, '1.2.3'));
  t.match(text, '<p>WARNING: round 1 to Kafka began 5.00 s behind');
  t.notMatch(page, 'WARNING');
});

t.test('no text becomes markup', async (t) => {
  const text = htmlPage(
    resultOf(
      {
        ...REPORT,
        startedAt: HOSTILE,
        machine: { ...REPORT.machine, cpu: HOSTILE },
        options: { ...REPORT.options, kafka: HOSTILE, connector: [HOSTILE] },
        rounds: [{ ...ROUND, voidBecause: [HOSTILE] }],
      },
      HOSTILE,
    ),
  );
  t.notMatch(text, '<img');
  t.equal(text.split('</script>').length - 1, 3, 'no script ends early');
  t.match(
    text,
    '<td>cpu</td><td>&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&amp;',
  );
});
