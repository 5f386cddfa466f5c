import type { Random } from './random.js';

/* Topic filters by the words of MQTT 5, section 4.7, with regular expressions. */

/** Whether a filter matches a topic name. */
export function filterMatches(filter: string, topicName: string): boolean {
  // [MQTT-4.7.2-1]
  if (topicName.startsWith('$') && /^[+#]/.test(filter)) return false;
  const pattern = filter
    .replace(/[.*?^${}()|[\]\\]/g, '\\$&')
    .replaceAll('+', '[^/]*')
    // `sport/#` matches `sport` too [section 4.7.1.2].
    .replace(/(^|\/)#$/, (_, slash: string) => (slash === '' ? '.*' : '(/.*)?'));
  return new RegExp(`^${pattern}$`, 's').test(topicName);
}

const LEVELS = ['a', 'b', '', '$s'] as const;

export function randomFilter(random: Random): string {
  const levels: string[] = Array.from({ length: random.between(1, 3) }, () =>
    random.chance(0.35) ? '+' : random.pick(LEVELS),
  );
  if (random.chance(0.4)) levels.push('#');
  if (random.chance(0.05)) return '#';
  return levels.join('/') === '' ? '/' : levels.join('/');
}

/** Every topic name of up to four of the levels that random filters have, and one that they lack. */
export function allTopicNames(): string[] {
  const levels = [...LEVELS, 'z'];
  let names: string[] = [...levels];
  const all = [...names];
  for (let depth = 2; depth <= 4; depth++) {
    names = names.flatMap((name) => levels.map((level) => `${name}/${level}`));
    all.push(...names);
  }
  return all.filter((name) => name !== '');
}
