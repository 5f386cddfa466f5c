import { UsageError } from '../base/errors.js';

/**
 * The address that a variable of the environment holds. Throws a UsageError that names the variable and
 * does not repeat the text, which may hold a password.
 *
 * @param schemes with colons; both where it is left out
 */
export function endPointUrl(
  variable: string,
  text: string,
  schemes: readonly string[] = ['http:', 'https:'],
): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const names = schemes.map((scheme) => `${scheme}//`).join(' or ');
  if (url === undefined || !schemes.includes(url.protocol)) {
    throw new UsageError(`managed identity: ${variable} is no address that begins with ${names}`);
  }
  if (url.username === '' && url.password === '') return url;
  throw new UsageError(
    `managed identity: ${variable} has a user or a password in it; leave it out`,
  );
}
