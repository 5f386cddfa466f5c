/** A Topic Filter, taken apart. */
export interface TopicFilter {
  /** `undefined` unless it is a shared subscription. */
  readonly shareName: string | undefined;
  readonly levels: readonly string[];
  readonly hasWildcard: boolean;
}

const sharePrefix = '$share/';

/** Returns `undefined` for a Topic Filter that MQTT forbids. */
export function parseTopicFilter(text: string): TopicFilter | undefined {
  let shareName: string | undefined;
  let filter = text;
  if (text.startsWith(sharePrefix)) {
    const slash = text.indexOf('/', sharePrefix.length);
    if (slash < 0) return undefined; // [MQTT-4.8.2-1]
    shareName = text.slice(sharePrefix.length, slash);
    if (shareName === '' || /[+#]/.test(shareName)) return undefined; // [MQTT-4.8.2-2]
    filter = text.slice(slash + 1);
  }
  if (filter === '' || filter.includes('\0') || Buffer.byteLength(text) > 65_535) return undefined;
  const levels = filter.split('/');
  let hasWildcard = false;
  for (const [index, level] of levels.entries()) {
    if (!/[+#]/.test(level)) continue;
    hasWildcard = true;
    if (level === '+') continue; // [MQTT-4.7.1-2]
    if (level !== '#' || index !== levels.length - 1) return undefined; // [MQTT-4.7.1-1]
  }
  return { shareName, levels, hasWildcard };
}

/** Whether the topic name `levels` match; a wildcard does not match a first level with `$`
 * [MQTT-4.7.2-1]. */
export function matchesTopic(filter: TopicFilter, levels: readonly string[]): boolean {
  const first = filter.levels[0];
  if (levels[0]?.startsWith('$') && (first === '+' || first === '#')) return false;
  for (const [index, level] of filter.levels.entries()) {
    if (level === '#') return true;
    if (index >= levels.length) return false;
    if (level !== '+' && level !== levels[index]) return false;
  }
  return filter.levels.length === levels.length;
}
