/* Topics of which only a part is known before there are messages: what a template gives, and what a
 * topic filter matches. A pattern is text with gaps; two patterns meet where some text is of both.
 */
import { templateParts } from './names.js';

/** Characters by their UTF-16 codes, and gaps. */
export type Pattern = readonly number[];
/** Any text without `/`, also none. */
const LEVEL = -1;
/** Any text. */
const ANY = -2;

const SLASH = 0x2f;
const DOLLAR = 0x24;
const DOT = 0x2e;
/** Longer ones are taken to meet: nobody waits for `validate`. */
const STEPS_MAX = 4_000_000;

export interface FilterPattern {
  readonly levels: readonly string[];
  /** `a/#` matches `a` too [section 4.7.1.2]. */
  readonly patterns: readonly Pattern[];
}

export type Meeting = 'never' | 'sometimes' | 'always';

function textPattern(text: string): number[] {
  return Array.from({ length: text.length }, (_, i) => text.charCodeAt(i));
}

export function isText(pattern: Pattern): boolean {
  return pattern.every((token) => token >= 0);
}

/** What `mqttTopic` of a route from this Kafka topic gives; the template is a valid one. */
export function mqttTopicPattern(template: string, kafkaTopic: string): Pattern {
  return (templateParts(template) ?? []).flatMap((part) => {
    if ('text' in part) return textPattern(part.text);
    if (part.variable === 'kafkaTopic' || part.variable === 'inputTopic') {
      return textPattern(kafkaTopic);
    }
    return part.variable === 'partition' ? [LEVEL] : [ANY];
  });
}

/** What `kafkaTopic` of a route gives for messages of this topic; undefined where it gives nothing. */
export function kafkaTopicPattern(template: string, topic: Pattern): Pattern | undefined {
  const pattern: number[] = [];
  for (const part of templateParts(template) ?? []) {
    const tokens = 'text' in part ? textPattern(part.text) : variablePattern(part.variable, topic);
    if (tokens === undefined) return undefined;
    pattern.push(...tokens);
  }
  return pattern.map((token) => (token === SLASH ? DOT : token));
}

function variablePattern(variable: string, topic: Pattern): Pattern | undefined {
  if (variable === 'topic') return topic;
  if (!variable.startsWith('topic.')) return [ANY];
  const index = Number(variable.slice('topic.'.length)) - 1;
  const levels = levelsOf(topic);
  // Behind a gap of any text nobody can count.
  if (levels.slice(0, index + 1).some((level) => level.includes(ANY))) return [LEVEL];
  return levels[index];
}

function levelsOf(pattern: Pattern): Pattern[] {
  const levels: number[][] = [[]];
  for (const token of pattern) {
    if (token === SLASH) levels.push([]);
    else levels.at(-1)?.push(token);
  }
  return levels;
}

/** @param filter a valid one, without `$share/<group>/` */
export function filterPattern(filter: string): FilterPattern {
  const levels = filter.split('/');
  const whole = joined(levels);
  const parent = levels.length > 1 && levels.at(-1) === '#' ? [joined(levels.slice(0, -1))] : [];
  return { levels, patterns: [whole, ...parent] };
}

function joined(levels: readonly string[]): Pattern {
  return levels.flatMap((level, i) => {
    const tokens = level === '+' ? [LEVEL] : level === '#' ? [ANY] : textPattern(level);
    return i === 0 ? tokens : [SLASH, ...tokens];
  });
}

/** The topic of what a filter lets through, where it names one; else what it was. */
export function narrowed(topic: Pattern, { levels }: FilterPattern): Pattern {
  return levels.includes('+') || levels.includes('#') ? topic : textPattern(levels.join('/'));
}

/** How many of the topics that a template gives match a filter. */
export function meetsFilter(topic: Pattern, filter: FilterPattern): Meeting {
  const [first] = filter.levels;
  // Wildcards do not match a first level that begins with `$` [MQTT-4.7.2-1].
  if (topic[0] === DOLLAR && (first === '+' || first === '#')) return 'never';
  if (!filter.patterns.some((pattern) => patternsMeet(topic, pattern))) return 'never';
  return isCovered(levelsOf(topic), filter.levels) ? 'always' : 'sometimes';
}

/** Whether every topic of these levels matches. */
function isCovered(topic: readonly Pattern[], filter: readonly string[]): boolean {
  for (const [i, wanted] of filter.entries()) {
    if (wanted === '#') return true;
    const level = topic[i];
    // `a/#` matches `a`, and a gap of any text may be more than one level.
    if (level === undefined || level.includes(ANY)) return false;
    if (wanted !== '+' && !(isText(level) && String.fromCharCode(...level) === wanted))
      return false;
  }
  return topic.length === filter.length;
}

export function patternIs(pattern: Pattern, text: string): Meeting {
  if (!patternsMeet(pattern, textPattern(text))) return 'never';
  return isText(pattern) ? 'always' : 'sometimes';
}

/** Whether some text is of both patterns. */
export function patternsMeet(a: Pattern, b: Pattern): boolean {
  let same = 0;
  while (same < a.length && same < b.length) {
    const x = a[same] as number;
    const y = b[same] as number;
    if (x < 0 || y < 0) break;
    if (x !== y) return false;
    same++;
  }
  return meet(a.slice(same), b.slice(same));
}

/** By rows from the end: `row[j]` says whether what is left of `a` from `i` and of `b` from `j` meet. */
function meet(a: Pattern, b: Pattern): boolean {
  if (a.length * b.length > STEPS_MAX) return true;
  let below: boolean[] = [];
  for (let i = a.length; i >= 0; i--) {
    const row: boolean[] = new Array<boolean>(b.length + 1).fill(false);
    for (let j = b.length; j >= 0; j--)
      row[j] = meetAt(a[i], b[j], row[j + 1], below[j], below[j + 1]);
    below = row;
  }
  return below[0] === true;
}

/**
 * @param right without `y`, @param down without `x`, @param both without either
 */
function meetAt(
  x: number | undefined,
  y: number | undefined,
  right: boolean | undefined,
  down: boolean | undefined,
  both: boolean | undefined,
): boolean {
  if (x === undefined && y === undefined) return true;
  if (x !== undefined && x < 0) return down === true || (right === true && fills(x, y));
  if (y !== undefined && y < 0) return right === true || (down === true && fills(y, x));
  return x !== undefined && x === y && both === true;
}

/** Whether a gap may go on over this token; over another gap always, which may be empty. */
function fills(gap: number, token: number | undefined): boolean {
  return token !== undefined && (gap === ANY || token !== SLASH);
}
