import { plural } from '../base/plural.js';

/** Why `topicFilter`, which FilterTrie did not find, does not match `topicName`; for people. Pure. */
export function whyNoMatch(topicFilter: string, topicName: string): string {
  const filter = topicFilter.split('/');
  const names = topicName.split('/');
  const first = filter[0] as string;
  if (topicName.startsWith('$') && (first === '#' || first === '+')) {
    return `wildcards do not match a topic that begins with $ [MQTT-4.7.2-1]: begin the filter with ${names[0]}/`;
  }
  for (const [index, wanted] of filter.entries()) {
    if (wanted === '#') break;
    const name = names[index];
    if (name === undefined) {
      return `the topic name has ${plural(names.length, 'level')}, the filter asks for more: ${filter.length}`;
    }
    if (wanted === '+' || wanted === name) continue;
    const hint = wanted.toLowerCase() === name.toLowerCase() ? '; upper and lower case differ' : '';
    return `level ${index + 1} is ${JSON.stringify(name)}, not ${JSON.stringify(wanted)}${hint}`;
  }
  return `the topic name has ${plural(names.length, 'level')}, the filter only ${filter.length}: # at its end would match them all`;
}
